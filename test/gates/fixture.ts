import { decide } from "../../src/gates/decide.ts";
import { type AnyGate, type Decision, type GateResult, type GateName } from "../../src/gates/gate.ts";
import { locate, zonesOf } from "../../src/gates/location.ts";
import { gates, mandatoryGates } from "../../src/gates/registry.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import type { Grant, LocationFacts, Snapshot } from "../../src/gates/snapshot.ts";
import { givenDate } from "../../src/lib/given-date.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { zoneBook } from "../../src/lib/time-zones.ts";

export const instant = (text: string): Instant => text as Instant;
/** A Wednesday, 13:00 in New York. */
export const now = instant("2026-11-18T18:00:00Z");

export const validText =
  "I agree that Acme Solar LLC may call me, including by automated or AI voice, at the number above. Consent is not required to buy.";

export const grant: Grant = {
  id: "grant_1",
  recorded_at: instant("2026-10-02T00:00:00Z"),
  obtained_at: givenDate("2026-10-01T12:00:00Z"),
  basis: "pewc",
  purpose: "marketing",
  source: "row",
  text: validText,
  attested_seller: { registered_name: "Acme Solar LLC", trade_names: [] },
  signature: "web_form_submit",
  number: "+12125550123",
  page_url: "https://offers.example.com",
  ip: "203.0.113.1",
  user_agent: "Mozilla/5.0",
  certificate: null,
  recording: null,
  digest: "d1",
};

const book = zoneBook();
const packs = await packRefs();

export async function zonesAt(location: LocationFacts, at: Instant) {
  return book.factsFor(zonesOf(location.candidate_states), at);
}

/** A person in New York whom every gate allows; change one thing per test. */
export async function snapshotOf(changes: Partial<Snapshot> = {}): Promise<Snapshot> {
  const at = changes.at ?? now;
  const location = changes.location ?? locate({ state: "NY", zip: "10001", e164: "+12125550123" });
  const answer = (list: string) =>
    ({
      list,
      result: "clear",
      scrubbed_at: at,
      list_version_at: instant("2026-11-10T00:00:00Z"),
      kind: "do_not_call",
      connection_id: "c1",
      attested_list_age_days: null,
    }) as const;
  return {
    at,
    packs,
    call: { technology: "artificial", purpose: "marketing", debt_collection: false },
    seller: { id: "seller_1", registered_name: "Acme Solar LLC", trade_names: ["Acme Sun"] },
    halts: [],
    location,
    zones: changes.zones ?? (await zonesAt(location, at)),
    consent: {
      number: "+12125550123",
      grants: [grant],
      revocations: [],
      lifts: [],
      relationships: [],
      unread: [],
      max_age_days: null,
      grade_floor: "C",
      positions: [],
    },
    suppression: { suppressions: [], lifts: [], stop_check: { state: "clear", call_ended_at: null } },
    dnc: {
      provider: "connected",
      covers: [
        "national",
        ...["CO", "FL", "IN", "LA", "MA", "MO", "MS", "OK", "PA", "TN", "TX", "WY"].map((state) => `state:${state}`),
      ],
      added_lists: [],
      answers: [answer("national")],
      once_listed: [],
      disconnected: [],
      written_consent_over_national: false,
      acknowledgement: null,
      positions: [],
    },
    number: {
      e164: "+12125550123",
      library: "libphonenumber-js/max 1.13.16",
      valid: true,
      country: "US",
      geographic: true,
      line_type: "mobile",
      protected: null,
      reassigned: { connected: false, checks: [] },
    },
    hours: { campaign_window: null },
    frequency: {
      attempts: [],
      attempts_spent: 0,
      attempts_max: 3,
      recall_gap_seconds: 3600,
      callback_at: null,
      org_caps: [{ max: 3, window_hours: 24 }],
    },
    capacity: { org_free: 5, campaign_free: 5, provider_free: 5, token_free: true, person_busy: false },
    permit: { margin_seconds: 30, life_seconds_max: 60, life_seconds_min: 10 },
    ...changes,
  };
}

export const decideAll = (snapshot: Snapshot, list: readonly AnyGate[] = gates): Decision =>
  decide(list, snapshot, { mandatory: mandatoryGates });

export function resultOf(decision: Decision, gate: GateName): GateResult {
  const result = decision.results.find((each) => each.gate === gate);
  if (result === undefined) throw new Error(`no result of ${gate}`);
  return result;
}
