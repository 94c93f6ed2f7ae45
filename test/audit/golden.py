"""Golden vectors of the audit chain, from an implementation that shares nothing with the others: python3 golden.py > golden.json"""
import hashlib
import json
import struct
import uuid


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def instant(at_us: int) -> str:
    import datetime

    whole = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=at_us)
    return whole.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def chain(org: str, events: list) -> dict:
    org16 = uuid.UUID(org).bytes
    previous = genesis = sha256(b"audit/v1/genesis", org16)
    entries = []
    for seq, (kind, subject, facts, at_us) in enumerate(events, start=1):
        salt_subject = sha256(b"salt of a subject", org16, struct.pack(">q", seq))
        salt_facts = sha256(b"salt of facts", org16, struct.pack(">q", seq))
        subject_digest = sha256(b"\x01", salt_subject, subject.encode())
        facts_digest = sha256(b"\x02", salt_facts, facts.encode())
        commit = sha256(subject_digest, facts_digest)
        name = kind.encode()
        entry = sha256(
            b"audit/v1", org16, struct.pack(">q", seq), struct.pack(">i", len(name)), name, struct.pack(">q", at_us), commit, previous
        )
        entries.append(
            {
                "object": "audit_entry",
                "seq": seq,
                "type": kind,
                "at": instant(at_us),
                "at_us": at_us,
                "payload_commit": commit.hex(),
                "previous_hash": previous.hex(),
                "entry_hash": entry.hex(),
                "subject": subject,
                "facts": facts,
                "salt_subject": salt_subject.hex(),
                "salt_facts": salt_facts.hex(),
            }
        )
        previous = entry
    return {"org": org, "genesis": genesis.hex(), "entries": entries}


print(
    json.dumps(
        [
            chain(
                "00000000-0000-4000-8000-00000000000a",
                [
                    ("org.created", "org_1", "{}", 1_700_000_000_000_001),
                    ("lead.created", "lead_7", '{"list":"november"}', 1_700_000_000_000_002),
                    ("call.placed", "", "", 1_700_000_000_999_999),
                    ("dial.decided", "att_9", '{"verdict":"block","reason_codes":["on_dnc_registry"]}', 1_700_000_001_000_000),
                ],
            ),
            chain(
                "ffffffff-ffff-4fff-bfff-ffffffffffff",
                [
                    ("a", "Zoë, 東京, 🛑, e\u0301", '{"text":"two\\nlines \\u0000 as six characters"}', 0),
                    ("a" * 100, "x" * 5000, "y" * 70_000, 9_007_199_254_740_991),
                ],
            ),
        ],
        ensure_ascii=False,
        indent=1,
    )
)
