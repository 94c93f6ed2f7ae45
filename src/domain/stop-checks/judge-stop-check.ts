import type { OrgDb } from "../../db/org-db.ts";
import { reopenPersons } from "../../db/queries/persons.ts";
import { endStopCheck, lockStopCheck } from "../../db/queries/stop-checks.ts";
import { stopCheckJudgements } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import { type Suppressed, suppressPerson } from "../suppressions/suppress.ts";

export interface Judgement {
  readonly verdict: "clear" | "stop";
  readonly judgedBy: string;
  readonly reason: string;
}
export interface Judged {
  readonly orgId: string;
  readonly id: string;
  readonly judgedAt: string;
  readonly enrolmentsReopened: number;
  /** With `stop` alone. */
  readonly suppression: Suppressed | null;
}
type JudgeRefusal = "person_unknown" | "stop_check_clear" | "stop_check_pending";

/**
 * A call that nobody could search for a stop is judged by a person (gates.md §3): clear, and who was held by it is judged
 * again; or stop, which is a suppression like any other. While the search may still come, only a stop may precede it.
 */
export async function judgeStopCheck(org: OrgDb, personId: string, judgement: Judgement): Promise<Result<Judged, JudgeRefusal>> {
  const id = org.newId();
  const { verdict, judgedBy, reason } = judgement;
  const facts = { verdict, judgement: publicId("judgement", id) };
  return org.change({ action: "stop_check.judged", subject: publicId("person", personId), facts }, async (w) => {
    const [check] = await w.rows<{ state: "clear" | "pending" | "missing"; overdue: boolean | null }>(lockStopCheck(personId));
    const refusal = refusalOf(check, verdict);
    if (refusal !== null) {
      w.withdrawEntry();
      return refuse(refusal);
    }
    await w.insert(stopCheckJudgements, { id, personId, verdict, judgedBy, reason, judgedAt: w.now });
    await w.rows(endStopCheck(personId));
    const frame = { orgId: w.orgId, id, judgedAt: w.now };
    if (verdict === "stop") {
      const stop = { source: "console", byOrg: false, note: null, attemptId: null } as const;
      return ok({ ...frame, enrolmentsReopened: 0, suppression: await suppressPerson(w, personId, stop) });
    }
    const [opened] = await w.rows<{ reopened: number }>(reopenPersons([personId]));
    return ok({ ...frame, enrolmentsReopened: opened?.reopened ?? 0, suppression: null });
  });
}

function refusalOf(
  check: { readonly state: "clear" | "pending" | "missing"; readonly overdue: boolean | null } | undefined,
  verdict: Judgement["verdict"],
): JudgeRefusal | null {
  if (check === undefined) return "person_unknown";
  if (check.state === "clear") return "stop_check_clear";
  return verdict === "clear" && check.overdue !== true ? "stop_check_pending" : null;
}
