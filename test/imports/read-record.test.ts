import { expect, test } from "vitest";
import type { Attestation } from "../../src/domain/imports/import-map.ts";
import { recordReader } from "../../src/domain/imports/read-record.ts";
import { rowMemo } from "../../src/domain/imports/read-row.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
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
