"""How many units stay, where kernels like multiples: known without PyTorch."""


def rounded(wanted: float, multiple: int, most: int) -> int:
    """The multiple nearest to what is wanted, at least one of it, at most all.

    Example:
        >>> rounded(600, 16, 1200), rounded(0.2, 1, 12), rounded(3, 8, 5)
        (608, 1, 5)
    """
    return min(most, max(1, round(wanted / multiple)) * multiple)
