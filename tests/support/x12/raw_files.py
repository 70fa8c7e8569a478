"""Files from the raw segments of transaction sets, one on each line, in an envelope that fits."""


def raw_file(*sets: str, terminator: str = "~", counted: bool = True) -> bytes:
    """A file of one group of these sets, each with the number of its segments in SE if `counted`."""
    texts = [[segment for segment in text.strip().splitlines() if segment] for text in sets]
    if counted:
        texts = [[*segments[:-1], _counted(segments)] for segments in texts]
    isa = f"ISA*00*{'':10}*00*{'':10}*ZZ*{'PAYERS':15}*ZZ*{'CLINIC':15}*260201*1200*^*00501*000000001*0*P*:"
    group = "GS*HP*PAYERS*CLINIC*20260201*1200*1*X*005010X221A1"
    body = [segment for segments in texts for segment in segments]
    ends = [f"GE*{len(texts)}*1", "IEA*1*000000001"]
    return "".join(segment + terminator for segment in [isa, group, *body, *ends]).encode()


def _counted(segments: list[str]) -> str:
    name, _, number = segments[-1].split("*")
    return f"{name}*{len(segments)}*{number}"
