import { expect, test } from "vitest";
import type { Attestation } from "../../src/domain/imports/import-map.ts";
import { recordReader } from "../../src/domain/imports/read-record.ts";
import { readRow, rowMemo, wholeEvidence } from "../../src/domain/imports/read-row.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { canonicalJson } from "../../src/lib/canonical-json.ts";
import { CsvReader } from "../../src/lib/csv.ts";
import type { Instant } from "../../src/lib/instant.ts";

const arrival = { at: "2026-11-18T15:00:00Z" as Instant, packs: await packRefs(), memo: rowMemo() };
const text = "I agree that Acme Solar LLC may call me by automated or AI voice; consent is not a condition of purchase.";

/** What is read of a row that says it was given for `row`, from an import that attests `attested`. */
function readOf(attested: Attestation["purpose"], row: string) {
  const header = ["Phone", "At", "Text", "For"];
  const columns = { phone: "Phone", consent_at: "At", consent_text: "Text", consent_purpose: "For" };
  const attestation = {
    purpose: attested,
    basis: "pewc",
    signature: "web",
    seller: { registered_name: "Acme Solar LLC", trade_names: [] },
  };
  const made = recordReader(header, columns, attestation as never, { ...arrival, memo: rowMemo() });
  if (!made.ok) throw new Error(made.fault.reason);
  const [record] = new CsvReader().push(new TextEncoder().encode(`2125550123,2026-10-01T12:00:00Z,"${text}",${row}\n`), true);
  const read = made.reader.read(record as NonNullable<typeof record>);
  if (!read.ok) throw new Error(read.code);
  return { purpose: read.given.consent?.purpose, ineligible: read.lead.ineligibleReason };
}

/** Row against the import's attestation: the stricter (gates.md §2). What was given for information serves no sales, whoever says so. */
test.each([
  ["marketing", "marketing", "marketing", null],
  ["marketing", "", "marketing", null],
  ["mixed", "marketing", "marketing", null],
  ["marketing", "informational", "informational", "consent_scope_mismatch"],
  ["informational", "marketing", "informational", null],
  ["informational", "mixed", "informational", null],
  ["informational", "", "informational", null],
  ["undeclared", "marketing", "undeclared", "consent_unproven"],
  ["marketing", "undeclared", "undeclared", "consent_unproven"],
  ["informational", "undeclared", "undeclared", "consent_unproven"],
  ["marketing", "fun", null, "consent_unproven"],
  ["informational", "fun", null, "consent_unproven"],
] as const)("attested for %s, in the row %j: %s", (attested, row, purpose, ineligible) => {
  expect(readOf(attested, row)).toEqual({ purpose, ineligible });
});

/** Rows that share a frame, and rows that almost do: put together, each is what canonical JSON makes of its own evidence. */
test("evidence in parts is the canonical JSON of the whole", () => {
  const memo = rowMemo();
  const seller = { registered_name: 'Acme "Solar" LLC', trade_names: ["Acmé Sun", "\\"] };
  const base = { dateZone: null, basis: "pewc", callPurpose: "marketing", source: "row", attestedSeller: seller } as const;
  const texts = [text, `Call me at "2125550123".\n`, null] as const;
  const seen = new Set<string>();
  for (const own of texts)
    for (const purpose of ["marketing", null] as const)
      for (const signature of ["web", null])
        for (const other of [null, 'a "b" \\ é', "x\u007fy"]) {
          const consent = {
            ...base,
            text: own,
            purpose,
            signature,
            obtainedAt: other,
            pageUrl: other,
            ip: other,
            userAgent: other,
          };
          const lead = readRow(
            { ...blankLead, phone: "2125550123", consent: { ...consent, certificateUrl: other } },
            { ...arrival, memo },
          );
          if (!lead.ok || lead.evidence === null) throw new Error("no evidence was read");
          const given = other?.replace("\u007f", " ") ?? null;
          const whole = {
            kind: "grant",
            attested_seller: seller,
            basis: "pewc",
            certificate: given === null ? null : { matched: false, retained: false, text: null, url: given },
            ip: given,
            number: "+12125550123",
            obtained_at: { earliest: null, given, latest: null, utc: null },
            page_url: given,
            purpose,
            recording: null,
            signature,
            source: "row",
            text: own,
            user_agent: given,
          };
          expect(wholeEvidence(lead.evidence)).toBe(canonicalJson(whole));
          seen.add(wholeEvidence(lead.evidence));
        }
  expect(seen.size).toBe(36);
});

const blankLead = {
  externalId: null,
  firstName: null,
  lastName: null,
  email: null,
  city: null,
  state: null,
  zip: null,
  source: null,
  notes: null,
};
