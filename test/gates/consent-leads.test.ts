import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import { expect, test } from "vitest";
import { consentAtImport } from "../../src/gates/consent.ts";
import { locate } from "../../src/gates/location.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import type { Grant } from "../../src/gates/snapshot.ts";
import { givenDate } from "../../src/lib/given-date.ts";
import { instant } from "./fixture.ts";

const at = instant("2026-11-18T15:00:00Z");
const map = JSON.parse(readFileSync("test/data/leads.map.json", "utf8"));
const expected = JSON.parse(readFileSync("test/data/leads.expected.json", "utf8"));
const territories = ["US", "PR", "VI", "GU", "AS", "MP"];
const nonGeographic = ["TOLL_FREE", "PREMIUM_RATE", "PERSONAL_NUMBER", "SHARED_COST", "UAN", "PAGER", "VOICEMAIL"];

/** The accepted rows of the lead file, by a reader of the test's own. */
function acceptedRows(): { row: Record<string, string>; e164: string }[] {
  const [header = [], ...rows] = parse(readFileSync("test/data/leads.csv"), {
    bom: true,
    relax_column_count: true,
  }) as string[][];
  const seen = new Set<string>();
  const accepted = [];
  for (const fields of rows) {
    if (fields.length !== header.length) continue;
    const row = Object.fromEntries(header.map((name, index) => [name, fields[index] ?? ""]));
    const phone = parsePhoneNumberFromString((row["Phone"] ?? "").trim(), "US");
    if (phone === undefined || !phone.isValid() || nonGeographic.includes(phone.getType() ?? "")) continue;
    if (!territories.includes(phone.country ?? "") || seen.has(phone.number)) continue;
    seen.add(phone.number);
    accepted.push({ row, e164: phone.number });
  }
  return accepted;
}

function grantOf(row: Record<string, string>, e164: string): Grant {
  const column = (name: string) => row[map.columns[name]]?.trim() || null;
  const certificate = column("consent_certificate");
  return {
    id: "g",
    recorded_at: at,
    obtained_at: givenDate(column("consent_at"), { dateZone: map.attest.date_zone }),
    basis: map.attest.basis,
    purpose: map.attest.purpose,
    source: "row",
    text: column("consent_text"),
    attested_seller: { registered_name: map.attest.seller.legal_name, trade_names: map.attest.seller.trade_names },
    signature: map.attest.signature,
    number: e164,
    page_url: column("consent_page"),
    ip: column("consent_ip"),
    user_agent: null,
    certificate: certificate === null ? null : { url: certificate, retained: false, matched: false, text: null },
    recording: null,
    digest: "",
  };
}

test("the gate counts the lead file's consents as they were counted by hand", async () => {
  const packs = await packRefs();
  const seller = { id: "s", registered_name: map.attest.seller.legal_name, trade_names: map.attest.seller.trade_names };
  const counts: Record<string, number> = {};
  let unknownState = 0;
  let differ = 0;
  const rows = acceptedRows();
  for (const { row, e164 } of rows) {
    const consent = {
      number: e164,
      grants: [grantOf(row, e164)],
      revocations: [],
      lifts: [],
      relationships: [],
      unread: [],
      max_age_days: null,
      grade_floor: "C" as const,
      positions: [],
    };
    const answer = consentAtImport({ at, packs, seller, purpose: map.attest.purpose, consent });
    const code = answer.verdict === "allow" ? "eligible" : answer.reason_code;
    counts[code] = (counts[code] ?? 0) + 1;
    const location = locate({ state: row["State"] ?? null, zip: null, e164 });
    if (location.known_state === null) unknownState++;
    else if (location.area_code_states.some((state) => state !== location.known_state)) differ++;
  }
  expect(rows.length).toBe(expected.accepted);
  expect(counts).toEqual({ eligible: expected.eligible, ...expected.ineligible });
  expect([unknownState, differ]).toEqual([expected.timezone_unknown, expected.states_differ]);
});
