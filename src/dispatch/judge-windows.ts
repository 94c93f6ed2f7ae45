import type { OrgDb } from "../db/org-db.ts";
import { type DueProfileRow, judgedProfiles } from "../db/queries/profiles.ts";
import type { SnapshotDesk } from "../domain/decisions/snapshot.ts";
import { callingHours } from "../gates/calling-hours.ts";
import { zonesOf } from "../gates/location.ts";
import type { LocationFacts } from "../gates/snapshot.ts";
import type { Instant } from "../lib/instant.ts";

/**
 * Judges hour profiles at their edges: a few hundred windows instead of every lead. An open profile only lets its
 * leads be claimed; the hours gate still judges each at its dial.
 */
export async function judgeWindows(
  org: OrgDb,
  desk: SnapshotDesk,
  at: Instant,
  profiles: readonly DueProfileRow[],
): Promise<void> {
  const packs = await desk.packs();
  const rows = await Promise.all(
    profiles.map(async (profile) => {
      const states = profile.candidate_states === "" ? [] : profile.candidate_states.split(",");
      const answer = callingHours.check(
        {
          at,
          packs,
          call: { technology: "artificial", purpose: "undeclared", debt_collection: false },
          location: placeOf(states),
          zones: await desk.zones.factsFor(zonesOf(states), at),
          hours: { campaign_window: profile.calling_window },
        },
        { decision: new Map(), batch: new Map() },
      );
      // A lead whose place blocks must still be claimed once, so that its refusal is decided and recorded.
      const open = answer.verdict !== "defer";
      return { id: profile.id, open, nextChangeAt: answer.verdict === "defer" ? answer.next_eligible_at : answer.valid_until };
    }),
  );
  await org.query(judgedProfiles(rows));
}

/** A place of these candidate states and nothing else. */
function placeOf(states: readonly string[]): LocationFacts {
  return {
    state: states[0] ?? null,
    zip: null,
    known_state: states[0] ?? null,
    zip_state: null,
    zip_is_military: false,
    area_code: null,
    area_code_kind: "none",
    area_code_states: [],
    candidate_states: states,
  };
}
