"""English words that no other takes the place of: what they say is grammar, or "not".

TinyBERT's program leaves out such words too; these are those of NLTK's list, and negations.
"""

_WORDS = (  # noqa: SIM905 (a list of words is best read as a text)
    "i me my myself we our ours ourselves you your yours yourself yourselves he him his "
    "himself she her hers herself it its itself they them their theirs themselves what which "
    "who whom this that these those am is are was were be been being have has had having do "
    "does did doing a an the and but if or because as until while of at by for with about "
    "against between into through during before after above below to from up down in out on "
    "off over under again further then once here there when where why how all any both each "
    "few more most other some such no nor not only own same so than too very can will just "
    "should now would could might must shall may cannot never neither none nobody nothing "
    "nowhere without hardly barely scarcely unless except"
).split()

STOP_WORDS = frozenset(_WORDS)
"""In lower case."""
