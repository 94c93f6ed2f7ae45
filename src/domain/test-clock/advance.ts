import { and, eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { testClocks } from "../../db/schema/index.ts";
import { publicId } from "../../lib/ids.ts";
import { type Instant, instantOf, secondsOf } from "../../lib/instant.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";

export type TestClock = typeof testClocks.$inferSelect;
export type AdvanceRefusal = "not_a_test_org" | "already_advancing" | "not_later" | "too_far";
const advanceDaysMax = 400;

export const findTestClock = (org: OrgDb): Promise<TestClock | null> =>
  org.findOne(testClocks, eq(testClocks.status, testClocks.status));

/** Sets where the clock is to go; the job moves it there, and stops at every event on the way. Time never goes back. */
export async function advanceTestClock(
  org: OrgDb,
  to: Instant | { readonly seconds: number },
): Promise<Result<TestClock, AdvanceRefusal>> {
  const { orgId } = await org.bound();
  return org.change({ action: "test_clock.advance_requested", subject: publicId("org", orgId) }, async (w) => {
    const refused = (refusal: AdvanceRefusal) => {
      w.withdrawEntry();
      return refuse(refusal);
    };
    const clock = await w.findOne(testClocks, eq(testClocks.orgId, orgId));
    if (clock === null || w.livemode) return refused("not_a_test_org");
    const now = secondsOf(clock.now);
    const target = typeof to === "string" ? secondsOf(to) : now + to.seconds;
    if (target <= now) return refused("not_later");
    if (target - now > advanceDaysMax * 86_400) return refused("too_far");
    const instant = instantOf(target);
    // Repeated in the update: two requests at once must not both set a target.
    const ready = and(eq(testClocks.orgId, orgId), eq(testClocks.status, clock.status));
    const [moving] =
      clock.status === "advancing"
        ? []
        : await w.update(testClocks, ready ?? eq(testClocks.orgId, orgId), {
            target: instant,
            status: "advancing",
            statusReason: null,
          });
    if (moving === undefined) return refused("already_advancing");
    w.note({ from: clock.now, to: instant });
    return ok(moving);
  });
}
