"""Seeds from public test data: python3 seed.py CONFORMANCE CORPUS (see seed.sh)."""

import base64
import hashlib
import json
import pathlib
import re
import sys

data, corpus = map(pathlib.Path, sys.argv[1:3])
ANCHOR, INTERMEDIATE, CRL, TARGET, EXTRA = range(5)
HARD, PKITS_TIME = 0x10, 0x40
LIMIT = 32768  # octets; larger seeds only slow the search


def ders(path):
    """Every PEM block of a file, or the file."""
    raw = path.read_bytes() if path.is_file() else b""
    blocks = re.findall(rb"-----BEGIN [^-]+-----(.*?)-----END", raw, re.S)
    found = []
    for block in blocks:
        try:
            found.append(base64.b64decode(re.sub(rb"[^A-Za-z0-9+/=]", b"", block)))
        except ValueError:
            pass
    return found if b"-----BEGIN" in raw else [raw] if raw else []


def save(target, seed):
    if 0 < len(seed) <= LIMIT:
        (corpus / target / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def row(parts, flags):
    """Parts as the targets read them; the flags stand in the first part's octet."""
    return b"".join(
        bytes([role | (flags if i == 0 else 0)]) + len(der).to_bytes(3, "big") + der
        for i, (role, der) in enumerate(parts)
    )


pkits = data / "pkits"
if (pkits / "pkits.json").is_file():
    for case in json.loads((pkits / "pkits.json").read_text())["cases"]:
        parts = [(role, der) for role, names in [
            (ANCHOR, [case["trust_anchor"]]), (INTERMEDIATE, case["intermediates"]),
            (CRL, case["crls"]), (TARGET, [case["target"]]),
        ] for name in names for der in ders(pkits / name)]
        save("path", row(parts, PKITS_TIME | HARD))
        save("crl", row(parts, PKITS_TIME | HARD))
    for crl in pkits.glob("crls/*"):
        save("crl", crl.read_bytes())

for case in data.glob("limbo/*/*"):
    files = {"untrusted": INTERMEDIATE, "trusted": ANCHOR, "crls": CRL, "leaf": TARGET}
    parts = []
    for file in sorted(case.iterdir()) if case.is_dir() else []:
        role = next((r for word, r in files.items() if word in file.name), INTERMEDIATE)
        if file.suffix in (".pem", ".der", ".crt", ".cer", ".crl"):
            parts += [(role, der) for der in ders(file)]
    if parts:
        save("path", row(parts, 0))
        if any(role == CRL for role, _ in parts):
            save("crl", row(parts, HARD))

for folder in data.glob("malformed/*"):
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    for file in files[:: max(1, len(files) // 400)]:
        if file.stat().st_size > LIMIT:
            continue
        for der in ders(file)[:4]:
            save("crl" if "crl" in str(file) else "path",
                 der if "crl" in str(file) else row([(TARGET, der), (INTERMEDIATE, der)], 0))
            save("value", der)

for folder in ("containers", "zlint_smime/certs"):
    for file in (f for f in (data / folder).rglob("*") if f.is_file()):
        for der in ders(file)[:2]:
            save("value", der)
        save("value", file.read_bytes())

for file in (f for f in data.parent.glob("corpus/ldif/**/*") if f.is_file()):
    if file.suffix.lower() in (".ldif", ".ldf", ".txt", ".ldi"):
        save("ldif", file.read_bytes()[:8192])
