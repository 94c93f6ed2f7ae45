import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readFileSync } from "node:fs";
import type { GateName } from "../../src/gates/gate.ts";
import { gateNames } from "../../src/gates/decide.ts";
import { automatedVoiceConditions } from "../../src/gates/rules/automated-voice-conditions.ts";
import { consentVocabulary } from "../../src/gates/rules/consent-vocabulary.ts";
import { type ConditionRow, effectiveEdges, inForce } from "../../src/gates/rules/pack.ts";
import { conditionsOf, conditionsOfStates, packOf, packRefs, packsOf } from "../../src/gates/rules/packs.ts";
import { stateCaps } from "../../src/gates/rules/state-caps.ts";
import { stateConditions } from "../../src/gates/rules/state-conditions.ts";
import { states } from "../../src/gates/rules/states.ts";
import { usFederal } from "../../src/gates/rules/us-federal.ts";
import { normalise } from "../../src/gates/consent-words.ts";
import { instant } from "./fixture.ts";

const knownStates = states.map((row) => row.state) as [string, ...string[]];
const source = {
  id: z.string().min(1),
  version: z.string().min(1),
  citation: z.string().min(3),
  quote: z.string().min(1).nullable(),
  address: z.url().nullable(),
  effective_from: z.iso.datetime().nullable(),
  effective_to: z.iso.datetime().nullable(),
  retrieved_at: z.iso.date().nullable(),
  reviewer: z.string().min(1).nullable(),
  status: z.enum(["in_force", "contested", "pending"]),
  states: z.array(z.enum(knownStates)).min(1).nullable(),
  technology: z.enum(["any", "artificial"]),
};
/** A window outside the federal one is a mistake of whoever typed it: fixed-width times compare as text. */
const day = z
  .strictObject({ from: z.string().regex(/^\d{2}:\d{2}$/), to: z.string().regex(/^\d{2}:\d{2}$/) })
  .refine((span) => span.from >= "08:00" && span.to <= "21:00" && span.from < span.to)
  .nullable();
const hoursRow = z.strictObject({
  ...source,
  kind: z.literal("hours"),
  days: z.strictObject({ mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day }),
});
const days = z.number().int().positive();
const conditionRow = z.strictObject({
  ...source,
  kind: z.literal("condition"),
  gate: z.enum(gateNames as [string, ...string[]]),
  asks: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("dnc_list"), list: z.string().regex(/^(national|state:[A-Z]{2})$/) }),
    z.strictObject({ type: z.literal("established_business_relationship"), purchase_days: days, inquiry_days: days }),
    z.strictObject({ type: z.literal("consent_max_age"), days }),
    z.strictObject({ type: z.literal("no_call_to_mobile_without_pewc") }),
    z.strictObject({ type: z.literal("reassigned_check") }),
    z.strictObject({ type: z.literal("no_call_after_person_ended") }),
    z.strictObject({ type: z.literal("cap"), max: days, window_hours: days }),
  ]),
});

describe("rows are data with their source", () => {
  const conditions: readonly ConditionRow[] = [...usFederal.conditions, ...conditionsOfStates];
  test("hours", () => expect(z.array(hoursRow).min(1).safeParse(usFederal.hours).error).toBeUndefined());
  test("conditions", () => expect(z.array(conditionRow).safeParse(conditions).error).toBeUndefined());
  test("a window outside the federal one fails the schema", () => {
    const wide = { ...usFederal.hours[0]!, days: { ...usFederal.hours[0]!.days, mon: { from: "07:00", to: "21:00" } } };
    expect(hoursRow.safeParse(wide).success).toBe(false);
  });
  test("ids are unique", () => {
    const ids = [...usFederal.hours, ...conditions].map((row) => row.id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("the tables say what the research says", () => {
  interface StateRule {
    readonly state: string;
    readonly name: string;
    readonly timezones: string[];
    readonly max_calls_per_24h: number | null;
  }
  const rules = JSON.parse(readFileSync("test/data/state-rules.json", "utf8")) as StateRule[];
  const extra = JSON.parse(readFileSync("test/data/state-rules-extra.json", "utf8"));
  test("every state with all its zones", () => {
    expect(states).toEqual(rules.map(({ state, name, timezones }) => ({ state, name, timezones })));
  });
  const statesThatAsk = (rows: readonly ConditionRow[], type: string) =>
    rows
      .filter((row) => row.asks.type === type)
      .flatMap((row) => (row.states ?? []).map((state) => `${state} ${row.status}`))
      .toSorted();
  test("state do-not-call lists, with their status", () => {
    const lists = extra.state_dnc_lists as { states: string[]; contested: string[] };
    const wanted = [
      ...lists.states.map((state) => `${state} in_force`),
      ...lists.contested.map((state) => `${state} contested`),
    ].toSorted();
    expect(statesThatAsk(stateConditions, "dnc_list")).toEqual(wanted);
  });
  test("bans to mobiles and checks of reassigned numbers", () => {
    expect(statesThatAsk(stateConditions, "no_call_to_mobile_without_pewc").map((each) => each.slice(0, 2))).toEqual(
      Object.keys(extra.outright_bans_to_mobiles).toSorted(),
    );
    expect(statesThatAsk(stateConditions, "reassigned_check").map((each) => each.slice(0, 2))).toEqual(
      Object.keys(extra.reassigned_check_required),
    );
  });
  test("what states ask of an artificial voice, by gate and status", () => {
    const { _note, ...conditions } = extra.automated_voice_conditions as Record<string, { gate: string; status: string }>;
    const wanted = Object.entries(conditions).map(([state, row]) => `${state} ${row.gate} ${row.status}`);
    expect(automatedVoiceConditions.map((row) => `${row.states?.[0]} ${row.gate} ${row.status}`).toSorted()).toEqual(
      wanted.toSorted(),
    );
    expect(automatedVoiceConditions.every((row) => row.technology === "artificial")).toBe(true);
  });
  test("caps, in both files", () => {
    const { _note, ...caps } = extra.caps as Record<string, { max: number; window_hours: number; technology: string }>;
    const held = stateCaps.map((row) => [row.states?.[0], { ...row.asks, technology: row.technology }]);
    const wanted = Object.entries(caps).map(([state, cap]) => [state, { type: "cap", ...cap }]);
    expect(Object.fromEntries(held)).toEqual(Object.fromEntries(wanted));
    const daily = rules.filter((rule) => rule.max_calls_per_24h !== null);
    expect(daily.map((rule) => [rule.state, rule.max_calls_per_24h])).toEqual(
      stateCaps
        .flatMap((row) => (row.asks.type === "cap" && row.asks.window_hours === 24 ? [[row.states?.[0], row.asks.max]] : []))
        .toSorted(),
    );
  });
});

/** What each version of the rules' data hashes to: rows, zones, conditions, vocabulary, protected codes. */
const pinned: Readonly<Record<string, string>> = {
  "2026-12-01.1": "97fea8dfdbf28f7ab2cdafbbfa6b2119f77ce9bf3d854fb36af6390c79292c7f",
};

describe("packs", () => {
  test("the federal pack is always on", () => {
    expect(() => packsOf([])).toThrow("federal");
    expect(() => packOf({ id: "us-state", version: "1" })).toThrow("does not hold");
  });
  test("a reference names the version and the digest of the data", async () => {
    const [ref] = await packRefs();
    expect(ref).toMatchObject({ id: "us-federal", version: usFederal.version });
    expect(ref?.digest).toMatch(/^[0-9a-f]{64}$/);
    await expect(packRefs(["us-state"])).rejects.toThrow("no rule pack");
  });
  test("what a state asks comes with the gate that asks it, whatever packs are in force", async () => {
    const federal = await packRefs();
    expect(federal.map((ref) => ref.id)).toEqual(["us-federal"]);
    expect(conditionsOf("dnc", federal).length).toBe(13);
    const ids = (gate: GateName) => conditionsOf(gate, federal).map((row) => row.id);
    expect(ids("consent")).toEqual(["MS", "NM", "KY", "GA"].map((state) => `automated-voice/${state}`));
    expect(ids("frequency")).toEqual(["automated-voice/NV", ...["FL", "OK", "MD", "OR", "ME"].map((state) => `cap/${state}`)]);
    expect(ids("number").join(" ")).toBe(
      "mobile-ban/AZ mobile-ban/NJ mobile-ban/LA reassigned/ME automated-voice/ME automated-voice/NE",
    );
  });
  test("data never changes under the version that decisions cite: whoever changes a row raises it, and this digest", async () => {
    expect(await packRefs()).toEqual([{ id: "us-federal", version: usFederal.version, digest: pinned[usFederal.version] }]);
  });
  test("a row binds from its first instant until before its last, and never while it is pending", () => {
    const row = {
      ...usFederal.conditions[0]!,
      effective_from: instant("2026-01-01T00:00:00Z"),
      effective_to: instant("2027-01-01T00:00:00Z"),
    };
    const at = ["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"].map(instant);
    expect(at.map((each) => inForce(row, each))).toEqual([false, true, true, false]);
    expect(at.map((each) => inForce({ ...row, status: "pending" }, each))).toEqual([false, false, false, false]);
    expect(effectiveEdges([row])).toEqual([row.effective_from, row.effective_to]);
  });
});

test("the consent vocabulary is written as texts are read: normalised", () => {
  const { version: _, ...lists } = consentVocabulary;
  for (const phrase of Object.values(lists).flat()) expect(normalise(phrase)).toBe(phrase);
});
