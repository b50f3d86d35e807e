"""An admission with fifty values that no masked viewer may see."""

PLANTED = [f"PLANT{number:02}" for number in range(50)]


def planted_message():
    """An admission with fifty values that no masked viewer may see."""
    values = iter(PLANTED)
    take = lambda count: [next(values) for _ in range(count)]  # noqa: E731
    p = take(20)
    return (
        "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|C-1|P|2.5.1\r"
        "EVN|A01|20260105083000-0600\r"
        f"PID|1||{p[0]}^^^NORTH^MR~{p[1]}^^^NORTH^SS||{p[2]}^{p[3]}^{p[4]}||19870412|F|{p[5]}|"
        f"|{p[6]}^{p[7]}^{p[8]}^ON^{p[9]}||{p[10]}^PRN^PH^{p[11]}|{p[12]}|||{p[13]}|{p[14]}|"
        f"{p[15]}|{p[16]}||||{p[17]}\r"
        f"NK1|1|{p[18]}^{p[19]}|SPO|{next(values)}^^{next(values)}|{next(values)}\r"
        f"PV1|1|I|3W^12^1|E||||{next(values)}^{next(values)}^{next(values)}||||||||||"
        f"|{next(values)}^^^NORTH^VN\r"
        f"GT1|1|{next(values)}|{next(values)}^{next(values)}||{next(values)}^^{next(values)}\r"
        f"IN1|1|{next(values)}|{next(values)}|{next(values)}\r"
        f"OBX|1|TX|8302-2^Height^LN||{next(values)}||||||F\r"
        f"NTE|1||{next(values)} {next(values)}\r"
        f"AL1|1|DA|{next(values)}^{next(values)}\r"
        f"DG1|1||{next(values)}^{next(values)}|{next(values)}\r"
        f"ZPI|1|{'^'.join(values)}|{PLANTED[0]}\r"
    )
