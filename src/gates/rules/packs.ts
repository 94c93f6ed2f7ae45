import { hexOf, sha256 } from "../../lib/bytes.ts";
import { canonicalJson } from "../../lib/canonical-json.ts";
import type { GateName } from "../gate.ts";
import type { PackId, PackRef } from "../snapshot.ts";
import { automatedVoiceConditions } from "./automated-voice-conditions.ts";
import { consentVocabulary } from "./consent-vocabulary.ts";
import type { ConditionRow, RulePack } from "./pack.ts";
import { protectedCodes } from "./protected-codes.ts";
import { stateCaps } from "./state-caps.ts";
import { stateConditions } from "./state-conditions.ts";
import { states } from "./states.ts";
import { usFederal } from "./us-federal.ts";

/** Every version that a decision within retention may cite. */
const packs: readonly RulePack[] = [usFederal];

/** What single states ask beside hours. It comes with the gate that asks it, whatever packs are in force (gates.md, From decision to ring). */
export const conditionsOfStates: readonly ConditionRow[] = [...stateConditions, ...automatedVoiceConditions, ...stateCaps];

/** The packs that this build holds whole, and that every snapshot must name. */
export const packsOfThisBuild: readonly PackId[] = ["us-federal"];
/** Single states' hours, holidays and bans for a later build: until then live organisations cannot be made. */
export const packsMissing: readonly PackId[] = ["us-state", "us-artificial-voice"];

/** @throws Error for a pack or version that this build does not hold: the gate that asked then fails closed. */
export function packOf(ref: Pick<PackRef, "id" | "version">): RulePack {
  const pack = packs.find((candidate) => candidate.id === ref.id && candidate.version === ref.version);
  if (pack === undefined) throw new Error("the snapshot names a rule pack or version that this build does not hold");
  return pack;
}

/** @throws Error when the federal pack is not among them: it is always on. */
export function packsOf(refs: readonly PackRef[]): readonly RulePack[] {
  const found = refs.map(packOf);
  if (!found.some((pack) => pack.id === "us-federal")) throw new Error("the snapshot lacks the federal rule pack");
  return found;
}

/** What is asked through one gate: by the packs in force, and by single states. */
export function conditionsOf(gate: GateName, refs: readonly PackRef[]): readonly ConditionRow[] {
  let known = conditionsByRefs.get(refs);
  if (known === undefined) conditionsByRefs.set(refs, (known = new Map()));
  let rows = known.get(gate);
  if (rows === undefined) known.set(gate, (rows = findConditions(gate, refs)));
  return rows;
}
/** A batch's leads share their references, and each gate asks for its rows many times a lead. */
const conditionsByRefs = new WeakMap<readonly PackRef[], Map<GateName, readonly ConditionRow[]>>();

function findConditions(gate: GateName, refs: readonly PackRef[]): readonly ConditionRow[] {
  const rows = [...packsOf(refs).map((pack) => rowsByPack.get(pack)), rowsOfStates].map((byGate) => byGate?.[gate] ?? []);
  const filled = rows.filter((each) => each.length > 0);
  return filled.length > 1 ? filled.flat() : (filled[0] ?? []);
}

type ByGate = Readonly<Partial<Record<GateName, readonly ConditionRow[]>>>;
const byGate = (rows: readonly ConditionRow[]): ByGate => Object.groupBy(rows, (row) => row.gate);
const rowsOfStates = byGate(conditionsOfStates);
const rowsByPack: ReadonlyMap<RulePack, ByGate> = new Map(packs.map((pack) => [pack, byGate(pack.conditions)]));

/**
 * The references that a snapshot carries. The digest covers all that a verdict takes from data and not from the snapshot:
 * the pack's rows, the states' zones and conditions, the words by which consent texts are read, the protected codes.
 */
export function packRefs(ids: readonly PackId[] = packsOfThisBuild): Promise<PackRef[]> {
  return Promise.all(
    ids.map(async (id) => {
      const pack = packs.find((candidate) => candidate.id === id);
      if (pack === undefined) throw new Error(`this build holds no rule pack ${id}`);
      const data = { pack, states, conditions: conditionsOfStates, consentVocabulary, protectedCodes };
      return { id, version: pack.version, digest: hexOf(sha256(canonicalJson(data))) };
    }),
  );
}
