"""Hostile shapes: what is long, deep or many must cost what its bytes cost, and be told.

Each shape is an export of two sizes with the same number of bytes: several objects of the small one, fewer of one four
times as large. So start-up and reading cancel out, and what is left is whether a byte costs more in something large.
Real people of an export of the generator carry the shape beside their good certificate; two more, before and behind,
carry nothing, and must be published whatever stands between them.
"""
import base64
import csv
import gzip
import hashlib
import json
import shutil
from pathlib import Path

MB = 1_000_000
# Attributes of a person that are carried over.
CARRIED = ["objectClass", "objectGUID", "displayName", "proxyAddresses", "userCertificate"]


class Person:
    def __init__(self, dn, fields):
        self.dn = dn
        self.fields = [(name, value) for name, value in fields if name in CARRIED]
        proxies = [value.decode() for name, value in self.fields if name == "proxyAddresses"]
        self.address = next((text[5:] for text in proxies if text.startswith("SMTP:")), None)
        self.certificates = [value for name, value in self.fields if name == "userCertificate"]


def people(export, wanted):
    """People of an export (UTF-8, folded) whose certificates are good, all of them, by its truth file."""
    good = set()
    with open(export.with_suffix(".csv"), newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["kind"] == "good":
                good.add(row["sha256"])
    found, fields = [], []
    with open(export, encoding="utf-8") as text:
        for line in text:
            if line.startswith(" "):
                fields[-1][1] += line[1:].rstrip("\n")
                continue
            name, colon, value = line.rstrip("\n").partition(":")
            if colon:
                fields.append([name, value])
                continue
            decoded = [(n, base64.b64decode(v[1:]) if v.startswith(":") else v.strip().encode()) for n, v in fields]
            fields = []
            if not decoded or decoded[0][0] != "dn" or any(name == "userSMIMECertificate" for name, _ in decoded):
                continue
            person = Person(decoded[0][1].decode(), decoded[1:])
            hashes = {hashlib.sha256(der).hexdigest() for der in person.certificates}
            if person.address and hashes and hashes <= good:
                found.append(person)
            if len(found) == wanted:
                return found
    raise SystemExit(f"{export} has fewer than {wanted} people with good certificates alone")


# ---- values ------------------------------------------------------------------------------------------


def header(tag, length):
    """Tag and length of DER."""
    if length < 128:
        return bytes([tag, length])
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets


def element(der, at):
    """Where the content of the element at this place begins and ends."""
    length, start = der[at + 1], at + 2
    if length >= 128:
        start += length & 127
        length = int.from_bytes(der[at + 2 : start], "big")
    return start, start + length


def padded(der, size):
    """The certificate with one more extension, so that it has about that many bytes."""
    start, _ = element(der, 0)
    body, tbs_end = element(der, start)
    # The extensions stand last, in [3].
    at = body
    while element(der, at)[1] < tbs_end:
        at = element(der, at)[1]
    listed, _ = element(der, element(der, at)[0])
    filler = bytes(max(size - len(der), 1))
    oid = b"\x06\x08\x2b\x06\x01\x04\x01\x83\xa0\x01"
    value = header(4, len(filler)) + filler
    extension = header(0x30, len(oid) + len(value)) + oid + value
    extensions = der[listed:tbs_end] + extension
    extensions = header(0x30, len(extensions)) + extensions
    tbs = der[body:at] + header(0xA3, len(extensions)) + extensions
    tbs = header(0x30, len(tbs)) + tbs
    return header(0x30, len(tbs) + len(der) - tbs_end) + tbs + der[tbs_end:]


def copies(der, count):
    """Copies of a certificate, each with a serial number of its own."""
    tbs, _ = element(der, 0)
    body, _ = element(der, tbs)
    # version [0], then the serial number.
    _, end = element(der, element(der, body)[1])
    for number in range(1, count + 1):
        yield der[: end - 4] + number.to_bytes(4, "big") + der[end:]


# ---- exports -----------------------------------------------------------------------------------------


class Field:
    """Values of one attribute, and how they are written: bytes a line (0: not folded), in base64 or plain."""

    def __init__(self, name, values, width=76, plain=False):
        self.name, self.values, self.width, self.plain = name, values, width, plain


def folded(text, width):
    if not width:
        return text
    return b"\n ".join(text[at : at + width] for at in range(0, len(text), width))


def ldif(file, records):
    for dn, fields in records:
        file.write(folded(b"dn:: " + base64.b64encode(dn), 76) + b"\n")
        for field in fields:
            for value in field.values:
                text = b": " + value if field.plain else b":: " + base64.b64encode(value)
                file.write(field.name.encode() + folded(text, field.width) + b"\n")
        file.write(b"\n")


def csvde(file, records):
    columns = CARRIED
    file.write(b"DN," + ",".join(columns).encode() + b"\r\n")
    for dn, fields in records:
        file.write(b'"' + dn.replace(b'"', b'""') + b'"')
        for column in columns:
            file.write(b',"')
            binary, first = column in ("objectGUID", "userCertificate"), True
            for field in fields:
                if field.name != column:
                    continue
                for value in field.values:
                    file.write(b"" if first else b";")
                    first = False
                    if binary:
                        file.write(b"X'" + value.hex().encode() + b"'")
                    else:
                        file.write(value.replace(b"\\", b"\\\\").replace(b";", b"\\;").replace(b'"', b'""'))
            file.write(b'"')
        file.write(b"\r\n")


class Carrier:
    """A person with a shape: its records, what must be said of it, and whether it is published nevertheless."""

    def __init__(self, person, more=(), dn=None, records=None, told=(), published=False, cut=False):
        own = [Field(name, [value]) for name, value in person.fields]
        self.address, self.told, self.published, self.cut = person.address, told, published, cut
        self.records = records or [[*own, *more]]
        if records:
            self.records = [own + records[0], *records[1:]]
        self.dn = dn or person.dn.encode()


def write(path, form, carriers):
    with open(path, "wb", buffering=1 << 20) as file:
        form(file, ((carrier.dn, fields) for carrier in carriers for fields in carrier.records))
    return path


# ---- the shapes --------------------------------------------------------------------------------------


class Shape:
    """One shape: `make(person, size)` gives the carrier; so many of the small size, a quarter of the large one."""

    def __init__(self, name, sizes, many, make, form=ldif):
        self.name, self.sizes, self.many, self.make, self.form = name, sizes, many, make, form


def long_value(width=76, size_of=lambda size: size * 3 // 4):
    """A value of userCertificate of which nothing but its size is odd; told by its hash or by the limit it breaks."""

    def make(person, size):
        value = padded(person.certificates[0], size_of(size))
        # Above limits::VALUE_HELD it is hashed, below it is a candidate that Active Directory would not take.
        held = len(value) <= 1 << 20
        told = ["value-too-large"] if held else [hashlib.sha256(value).hexdigest(), "attribute-incomplete"]
        # limits::RECORD of the reader.
        cut = size > 13 << 20
        return Carrier(person, [Field("userCertificate", [value], width)], told=told, published=held, cut=cut)

    return make


def text_certificate(person, size):
    value = b"c" * size
    told = [hashlib.sha256(value).hexdigest() if size > 1 << 20 else "unreadable-value", "attribute-incomplete"]
    return Carrier(person, [Field("userCertificate", [value], 0, True)], told=told)


def long_text(width, plain):
    def make(person, size):
        text = b"n" * (size if plain else size * 3 // 4)
        told = [hashlib.sha256(text).hexdigest(), "attribute-incomplete"]
        # Instead of the person's own name, of which only the first value is held.
        carrier = Carrier(person, [Field("displayName", [text], width, plain)], told=told)
        carrier.records[0] = [field for field in carrier.records[0] if field.name != "displayName" or field.width != 76]
        return carrier

    return make


def long_dn(person, size):
    dn = b"CN=" + b"d" * (size * 3 // 4)
    return Carrier(person, dn=dn, told=[hashlib.sha256(dn).hexdigest(), "attribute-incomplete"])


def many_values(person, size, digits=4 / 3, cut=True):
    """One record with as many certificates as fit that size."""
    der = person.certificates[0]
    values = copies(der, int(size / (len(der) * digits)))
    told = ["attribute-incomplete"] if cut else ["further values of userCertificate", "attribute-incomplete"]
    return Carrier(person, [Field("userCertificate", values)], told=told, cut=cut)


def counted_values(person, size):
    """That many certificates in one record; a row of csvde with twice as many digits."""
    values = copies(person.certificates[0], size)
    return Carrier(person, [Field("userCertificate", values)], told=["attribute-incomplete"], cut=True)


def chunked_values(person, size):
    """As Active Directory answers: records of 1 500 values each, in a range."""
    values = list(copies(person.certificates[0], size))
    records = []
    for at in range(0, size, 1500):
        last = "*" if at + 1500 >= size else at + 1499
        records.append([Field(f"userCertificate;range={at}-{last}", values[at : at + 1500])])
    return Carrier(person, records=records, told=["further values of userCertificate", "attribute-incomplete"])


def small_values(person, size):
    """Values that are no certificates, all in one record that is held."""
    values = (number.to_bytes(60, "big") for number in range(size))
    return Carrier(person, [Field("userCertificate", values)], told=["further values of userCertificate", "attribute-incomplete"])


def small_ranges(person, size):
    """A range for each value, in one record that is held."""
    fields = [Field(f"userCertificate;range={n}-{n if n + 1 < size else '*'}", [n.to_bytes(60, "big")]) for n in range(size)]
    return Carrier(person, fields, told=["further values of userCertificate", "attribute-incomplete"])


def addresses(person, size):
    values = (f"smtp:{number}.of.many@contoso.example".encode() for number in range(size))
    return Carrier(person, [Field("proxyAddresses", values, plain=True)], told=["more addresses", "attribute-incomplete"])


def addresses_of_two_records(person, size):
    texts = [f"smtp:{number}.of.{person.address}".encode() for number in range(size)]
    half = [Field("proxyAddresses", part, plain=True) for part in (texts[: size // 2], texts[size // 2 :])]
    return Carrier(person, records=[[half[0]], [half[1]]], told=["more addresses", "attribute-incomplete"])


LINES = [("1 MB", MB), ("4 MB", 4 * MB)]
FOLDS = [("50 000", 50_000), ("200 000", 200_000)]
RECORDS = [("75 MB", 75 * MB), ("300 MB", 300 * MB)]
VALUES = [("25 000", 25_000), ("100 000", 100_000)]
HELD = [("3.3 MB", 3_300_000), ("12.8 MB", 12_800_000)]

SHAPES = [
    Shape("a line, certificate in base64", LINES, 160, long_value(0)),
    Shape("a line, certificate that is text", LINES, 160, text_certificate),
    Shape("a line, plain name", LINES, 160, long_text(0, True)),
    Shape("a line, name in base64", LINES, 160, long_text(0, False)),
    Shape("a line of csvde, certificate", LINES, 160, long_value(0, lambda size: size // 2), csvde),
    Shape("a line of csvde, name", LINES, 160, long_text(0, True), csvde),
    Shape("a DN", LINES, 160, long_dn),
    Shape("folds, certificate in base64, 4 letters each", FOLDS, 160, long_value(4, lambda size: size * 3)),
    Shape("folds, plain name, 1 letter each", FOLDS, 160, long_text(1, True)),
    Shape("a record of many values", RECORDS, 4, many_values),
    Shape("a record of one value", RECORDS, 4, long_value()),
    Shape("a row of csvde of many values", RECORDS, 4, lambda person, size: many_values(person, size, 2), csvde),
    Shape("a row of csvde of one value", RECORDS, 4, long_value(0, lambda size: size // 2), csvde),
    Shape("a record of many values, below the limit of 13 MiB", HELD, 40, lambda person, size: many_values(person, size, cut=False)),
    Shape("certificates of one object, in one record", VALUES, 4, counted_values),
    Shape("certificates of one object, in ranges of 1 500", VALUES, 4, chunked_values),
    Shape("certificates of one object, in a row of csvde", VALUES, 4, counted_values, csvde),
    Shape("values of 60 bytes of one object", VALUES, 20, small_values),
    Shape("values of 60 bytes, a range for each", VALUES, 20, small_ranges),
    Shape("addresses of one object", VALUES, 20, addresses),
    Shape("addresses of one object in two records", VALUES, 20, addresses_of_two_records),
]


# ---- measuring ---------------------------------------------------------------------------------------


def wrong_in(bundle, carriers):
    """What a bundle does not say of the carriers as it should; a few of each."""
    wrong, published, found = [], set(), {}
    for file in (bundle / "transfer" / "payload").iterdir():
        with open(file, encoding="ascii") as lines:
            published |= {json.loads(line)["address"].lower() for line in lines}
    with open(bundle / "review" / "findings.ndjson", encoding="utf-8") as lines:
        for line in lines:
            finding = json.loads(line)
            if len(line) > 100_000:
                wrong.append(f"a finding of {len(line)} bytes: {finding['code']}")
            found.setdefault((finding["address"] or "").lower(), []).append(line)
    for carrier in carriers:
        address = carrier.address.lower()
        if (address in published) != carrier.published:
            wrong.append(f"{address} is {'not ' if carrier.published else ''}published")
        own = "".join(found.get(address, []))
        wrong += [f"nothing of {address} says {needle}" for needle in carrier.told if needle not in own]
    # Of a record that is cut off one finding says so, under its DN.
    cut = sum(carrier.cut for carrier in carriers)
    said = sum('"record-too-large"' in line for lines in found.values() for line in lines)
    if said != cut:
        wrong.append(f"{cut} records are cut off, {said} are said to be")
    with open(bundle / "review" / "manifest.json", encoding="utf-8") as lines:
        summary = next(json.loads(line[10:].rstrip().rstrip(",")) for line in lines if line.startswith('"summary":'))
    if summary["values"] != summary["candidates"] + summary["unreadable"] + summary["ignored"]:
        wrong.append(f"the totals do not add up: {summary}")
    return wrong


def measure(bench, export, shape):
    """Runs a shape and adds its row."""
    folk = people(export, shape.many + 2)
    sides, wrong, peak = [], [], 0
    for number, (label, size) in enumerate(shape.sizes):
        many = shape.many if number == 0 else shape.many // 4
        carriers = [shape.make(person, size) for person in folk[1 : many + 1]]
        carriers = [Carrier(folk[0], published=True), *carriers, Carrier(folk[-1], published=True)]
        path = write(bench.work / f"shape-{number}", shape.form, carriers)
        sides.append((path, carriers))
    ratios = []
    for stdin in [False, True]:
        costs = [[], []]
        for round_ in range(bench.options.rounds):
            for number, (path, carriers) in enumerate(sides):
                cpu, _, took = bench.convert(path, "ec", 2, stdin, keep=True)
                costs[number].append(cpu / path.stat().st_size)
                peak = max(peak, took)
                if round_ == 0:
                    bundle = bench.bundle
                    wrong += wrong_in(bundle, carriers)
                    _, _, took, code = bench.cpu_of([bench.program, "verify", bundle, "--at", bench.at], None)
                    peak = max(peak, took)
                    if code != 0:
                        wrong.append(f"verify ends with {code}")
        ratios.append(min(costs[1]) / min(costs[0]))
    for path, _ in sides:
        path.unlink()
    shutil.rmtree(bench.bundle)
    for text in wrong[:5]:
        print(f"    {text}")
    labels = " and ".join(label for label, _ in shape.sizes)
    told = "told" if not wrong else "NOT told"
    found = f"{ratios[0]:.2f} × (standard input {ratios[1]:.2f} ×), {peak / 1024:.0f} MB, {told}"
    bench.row(f"{labels}: {shape.name}", found, "≤ 1.2 ×, ≤ 64 MB, told", max(ratios) <= 1.2 and peak <= 64 * 1024 and not wrong)


def bomb(bench, export):
    """A gzip file that unpacks to far more than any export does, beside a good one."""
    folk = people(export, 3)
    costs, peak, wrong = [], 0, []
    folder = bench.work / "bomb"
    for megabytes in [100, 400]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write(folder / "good.ldif", ldif, [Carrier(folk[0])])
        with gzip.open(folder / "bomb.ldif.gz", "wb", 6) as file:
            ldif(file, [(folk[1].dn.encode(), Carrier(folk[1]).records[0])])
            for _ in range(megabytes):
                file.write(b"description: " + b"a" * (MB - 14) + b"\n")
        best = []
        for _ in range(bench.options.rounds):
            cpu, _, took = bench.convert(folder, "ec", 2, keep=True)
            best.append(cpu)
            peak = max(peak, took)
        costs.append(min(best))
        wrong += wrong_in(bench.bundle, [Carrier(folk[0], published=True)])
        with open(bench.bundle / "review" / "findings.ndjson", encoding="utf-8") as lines:
            if not any("bomb.ldif.gz" in line and "times its size" in line for line in lines):
                wrong.append("nothing says what the bomb is")
    shutil.rmtree(folder)
    shutil.rmtree(bench.bundle)
    for text in wrong[:5]:
        print(f"    {text}")
    found = f"{costs[1] / costs[0]:.2f} ×, {peak / 1024:.0f} MB, {'told' if not wrong else 'NOT told'}"
    good = costs[1] <= 1.2 * costs[0] and peak <= 64 * 1024 and not wrong
    bench.row("CPU of a run with a gzip bomb: 400 MB against 100 MB", found, "≤ 1.2 ×, ≤ 64 MB, told", good)
