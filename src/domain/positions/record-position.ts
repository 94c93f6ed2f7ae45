import type { OrgDb } from "../../db/org-db.ts";
import { bumpOrg } from "../../db/queries/fact-versions.ts";
import { startSweep } from "../../db/queries/standing.ts";
import { counselPositions } from "../../db/schema/index.ts";
import { conditionsOfStates } from "../../gates/rules/packs.ts";
import { bytesOfHex } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import { addSeconds, daySeconds, type Instant } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";

export type CounselPosition = typeof counselPositions.$inferSelect;
export interface PositionInput {
  readonly ruleId: string;
  readonly counsel: string;
  readonly documentSha256: string;
  readonly datedAt: Instant;
  readonly untilAt: Instant;
  readonly by: string;
}

/** "At most a year" (gates.md, Verdicts), from the document's own date. */
const positionDays = 365;

/** What a position lifts: contested rows, and the listing on a state's do-not-call list, contested or not (gates.md §4). */
const liftable: ReadonlySet<string> = new Set(
  conditionsOfStates.filter((row) => row.status === "contested" || row.asks.type === "dnc_list").map((row) => row.id),
);

/** Counsel's written position on one rule. Every permit that was minted before it is void. */
export async function recordPosition(
  org: OrgDb,
  input: PositionInput,
): Promise<Result<CounselPosition, "rule_not_liftable" | "position_too_long" | "position_in_future">> {
  if (!liftable.has(input.ruleId)) return refuse("rule_not_liftable");
  if (input.untilAt <= input.datedAt || input.untilAt > addSeconds(input.datedAt, positionDays * daySeconds))
    return refuse("position_too_long");
  const id = org.newId();
  const { by, counsel, ruleId, datedAt, untilAt } = input;
  const facts = { rule_id: ruleId, document_sha256: input.documentSha256, until: untilAt };
  return org.change({ action: "position.recorded", subject: publicId("position", id), facts }, async (w) => {
    if (datedAt > w.now) {
      w.withdrawEntry();
      return refuse("position_in_future");
    }
    await w.rows(bumpOrg());
    await w.rows(startSweep());
    const documentSha256 = bytesOfHex(input.documentSha256);
    return ok(await w.insert(counselPositions, { id, ruleId, counsel, documentSha256, datedAt, untilAt, recordedAt: w.now, by }));
  });
}
