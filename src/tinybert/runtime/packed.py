"""What weights would take if their zeros were left out."""


def packed_bytes(elements: int, zeros: int, element_bytes: int) -> int:
    """Bytes of a tensor: its other values and a bit for each place, or as it is if that is less.

    Example:
        >>> packed_bytes(800, zeros=400, element_bytes=4), packed_bytes(800, 0, 4)
        (1700, 3200)
    """
    packed = (elements - zeros) * element_bytes + (elements + 7) // 8
    return min(packed, elements * element_bytes)
