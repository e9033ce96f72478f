"""Rule sets of the match benchmark, from fixed seeds: each rule as CEL and, where a reference takes part, as Event Ruler's
JSON. Events: match_events.c.

A set is a list of rules; a rule is (conditions, CEL, Event Ruler's rule or None), where `conditions` counts comparisons.
"""
import json, random

OUR_RULES_MAX = 10000  # of one release
DOCUMENT_BYTES = 900000  # a document holds at most 1 MiB


def text(value):
    return json.dumps(value)


def cel(field, op, value):
    """One comparison as CEL."""
    f = "event." + field
    if op == "prefix":
        return f"{f}.startsWith({text(value)})"
    if op == "suffix":
        return f"{f}.endsWith({text(value)})"
    if op == "ignore-case":
        return f"{f}.lowerAscii() == {text(value.lower())}"
    if op == "wildcard":
        return f"{f}.matches({text('^' + value.replace('*', '.*') + '$')})"
    if op == "range":
        return f"{f} >= {value[0]} && {f} < {value[1]}"
    if op == "but":
        return f"{f} != {text(value)}"
    if op == "any":  # of a polygon's points: (element, operator, number)
        return f"{f}[0].exists(p, p[{value[0]}] {value[1]} {value[2]})"
    return f"{f} == {text(value)}"


def ruler(field, op, value):
    """The same as Event Ruler has it."""
    if op == "number":
        return {"numeric": ["=", value]}
    if op == "range":
        return {"numeric": [">=", value[0], "<", value[1]]}
    if op == "any":
        return {"numeric": [value[1], value[2]]}
    names = {"prefix": "prefix", "suffix": "suffix", "ignore-case": "equals-ignore-case", "wildcard": "wildcard"}
    if op == "but":
        return {"anything-but": [value]}
    return {names[op]: value} if op in names else value


def rule(*comparisons):
    """All of them, for both."""
    tree = {}
    for field, op, value in comparisons:
        at, *steps = tree, *field.split(".")
        for step in steps[:-1]:
            at = at.setdefault(step, {})
        at[steps[-1]] = [ruler(field, op, value)]
    return len(comparisons), " && ".join(cel(*c) for c in comparisons), json.dumps(tree)


def ours(conditions, expression):
    return conditions, expression, None


STREET, X, Y = "properties.STREET", "geometry.firstCoordinates.x", "geometry.firstCoordinates.y"
LOT = "properties.MAPBLKLOT"


def categories(lots9):
    """Event Ruler's categories, five rules each: name → (events, rules). Numbers to be equal to are taken from `lots9`."""
    first = [json.loads(lots9[i])["geometry"]["firstCoordinates"]["x"] for i in (3, 500, 999, 5000, 7777)]
    points = "geometry.coordinates"
    polygon = ("geometry.type", "equal", "Polygon")
    return {
        "exact": ("lots", [rule((LOT, "equal", v)) for v in ("0003012", "0125007", "0204033", "2500001", "4021040")]),
        "prefix": ("lots", [rule((STREET, "prefix", v)) for v in ("AC", "BL", "DR", "FU", "RH")]),
        "suffix": ("lots", [rule((STREET, "suffix", v)) for v in ("ON", "KE", "MM", "ING", "GO")]),
        "ignore-case": ("lots", [rule((STREET, "ignore-case", v))
                                 for v in ("jefferson", "bEaCh", "HyDe", "CHESTNUT", "tAyLoR")]),
        "wildcard": ("lots", [rule((LOT, "wildcard", v)) for v in ("143*", "2*0*1*7", "*218", "3*5*2")]
                     + [rule((STREET, "wildcard", "CA*Y"))]),
        "numeric, equal": ("lots9", [rule((X, "number", v)) for v in first]),
        "numeric, range": ("lots9", [rule((X, "range", (round(-122.5 + i * 0.02, 4), round(-122.4995 + i * 0.02, 4))))
                                     for i in range(5)]),
        "anything-but": ("lots", [rule(("geometry.type", "but", "Polygon")), rule(("properties.ODD_EVEN", "but", "E")),
                                  rule((STREET, "but", "FULTON")), rule((STREET, "but", "MASON")),
                                  rule(("properties.FROM_ST", "but", "441"))]),
        "complex arrays": ("lots9", [rule(polygon, (points, "any", v)) for v in
                                     ((0, "<", -122.4999), (0, "<", -122.4998), (1, ">", 37.8199), (1, ">", 37.8198),
                                      (0, "<", -122.4995))]),
    }


STREETS = ["JEFFERSON", "UNKNOWN", "MISSION", "BRODERICK", "TAYLOR", "BAY", "LOMBARD", "VALLEJO", "GREENWICH", "FILBERT",
           "UNION", "GREEN", "ACADEMY", "FULTON", "DRUMM", "CLAY"]


def some_street(r):
    return r.choice(STREETS) if r.random() < 0.2 else f"{r.randint(1, 999):03}TH"


def three_fields(count):
    """Of city lots: three fields equal."""
    r = random.Random(3)
    return [rule((STREET, "equal", some_street(r)), ("properties.LOT_NUM", "equal", f"{r.randint(1, 40):03}"),
                 ("properties.ODD_EVEN", "equal", r.choice("EO"))) for _ in range(count)]


def two_fields_and_range(count):
    r = random.Random(4)
    rules = []
    for _ in range(count):
        low = round(-122.5 + r.random() / 10, 6)
        rules.append(rule((STREET, "equal", some_street(r)), ("properties.ODD_EVEN", "equal", r.choice("EO")),
                          (X, "range", (low, round(low + 0.002, 6)))))
    return rules


TYPES = [f"{t}.{i}" for t in ("move", "chat", "puzzle", "login", "purchase", "trade", "levelup", "match", "gift", "report")
         for i in range(10)]
REGIONS = [f"{r}-{i}" for r in ("eu-west", "eu-north", "us-east", "us-west", "ap-south", "ap-east", "sa-east", "af-south")
           for i in (1, 2)]


def game(count):
    """Of game events: type, region and amount."""
    r = random.Random(5)
    return [ours(3, f"event.type == {text(r.choice(TYPES))} && event.region == {text(r.choice(REGIONS))} && "
                    f"event.amount >= {r.randint(500, 999)}.0") for _ in range(count)]


def mixed_rule(r, number):
    kind, region = r.random(), text(r.choice(REGIONS))
    equal = f"event.type == {text(r.choice(TYPES))} && event.region == {region}"
    if kind < 0.60:
        return ours(3, f"{equal} && event.amount >= {r.randint(900, 999)}.{r.randint(0, 99):02}")
    if kind < 0.75:
        return ours(2, f"event.user.id == \"user-{r.randint(0, 99999):05}\" && event.user.level > {r.randint(50, 99)}")
    if kind < 0.85:
        return ours(2, f"event.user.id.startsWith(\"user-{r.randint(0, 9999):04}\") && event.user.level == {r.randint(0, 99)}")
    if kind < 0.95:
        return ours(4, f"(event.user.level > {r.randint(97, 99)} || event.amount > 99{r.randint(5, 9)}.0) && "
                       f"event.region == {region} && event.type == {text(r.choice(TYPES))}")
    if number < 400:  # a few regular expressions, also among ten thousand rules
        return ours(3, f"event.client.matches(\"^[34]\\\\.{r.randint(10, 99)}[0-9]?$\") && {equal}")
    return ours(3, f"{equal} && event.user.country == \"FR\"")


def mix(count):
    """The realistic mix: equality on type and region, thresholds, prefixes, a few regular expressions, some alternatives."""
    r = random.Random(6)
    return [mixed_rule(r, i) for i in range(count)]


def in_groups(rules, size):
    """`size` rules become one that holds where any of them does: for more rules than a release may have."""
    groups = [rules[i:i + size] for i in range(0, len(rules), size)]
    return [ours(sum(r[0] for r in g), " || ".join(f"({r[1]})" for r in g)) for g in groups]


def hooks(events, count):
    """Of webhooks: two or three of six fields, with values that are there."""
    r, rules = random.Random(7), []
    fields = ["action", "repository.full_name", "repository.private", "sender.login", "sender.type", "organization.login"]
    while len(rules) < count:
        event, conditions = json.loads(r.choice(events)), []
        for field in r.sample(fields, r.randint(2, 3)):
            value = event
            for step in field.split("."):
                value = value.get(step) if isinstance(value, dict) else None
            conditions.append(f"event.{field} == {text(value if value is not None else 'nobody')}")
        rules.append(ours(len(conditions), " && ".join(conditions)))
    return rules


def worst_ranges(count):
    return [ours(2, f"event.amount >= {i / 10 + 0.001:.3f} && event.amount < {i / 10 + 0.002:.3f}") for i in range(count)]


def worst_overlaps(count):
    """Thresholds that fall: an event holds for all rules behind the first that takes it."""
    return [ours(2, f"event.amount >= {1000 - (i + 1) * 1000 / count:.2f} && event.amount < 1000.5") for i in range(count)]


def worst_regexes(count):
    return [ours(1, f"event.session.matches(\"[a-f]{{3}}x[a-z]*q{{2}}[g-m]*{i:04}$\")") for i in range(count)]


def worst_exists(count):
    return [ours(2, f"event.items.exists(i, i.sku == \"sku-{i:03}\" && i.count > 9)") for i in range(count)]


def unindexed(count):
    """Three comparisons each of which looks at more than one field, so that no index helps; the last one fails."""
    return [ours(3, f"event.amount * 2.0 > event.amount - {i}.5 && event.user.level + {i + 1} > event.user.level && "
                    f"size(event.user.name) + {i} < size(event.user.id) - 100") for i in range(count)]


def documents(rules):
    """The lines of the rules, as many to a document as it holds."""
    out, size = [[]], 0
    for i, (_, expression, _) in enumerate(rules):
        line = "  - { name: r-%d, when: '%s', drop: true }\n" % (i, expression.replace("'", "''"))
        if size + len(line) > DOCUMENT_BYTES:
            out.append([])
            size = 0
        out[-1].append(line)
        size += len(line)
    return out


def fit(rules):
    """As many as a release may have: what leads from one document to the next is a rule too."""
    return rules[:OUR_RULES_MAX - len(documents(rules)) + 1]


def yaml(rules):
    """The rules as configs of a release: a routing, and others behind it where a document would get too large."""
    parts = documents(rules)
    out = []
    for i, lines in enumerate(parts):
        head = f"kind: routing\nname: bench-{i}\n" + ("topics: [in]\n" if i == 0 else "")
        more = f"  - {{ name: more, routing: bench-{i + 1} }}\n" if i + 1 < len(parts) else ""
        out.append(head + "rules:\n" + "".join(lines) + more + "otherwise: { drop: true }\n")
    return "---\n".join(out)


def conditions(rules):
    return sum(r[0] for r in rules)
