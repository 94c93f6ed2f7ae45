/** The crash table of claim → gate → decrypt → dial → record, row by row: what is done to a run, and what it must come to. */
import { describe, expect, it } from "vitest";
import { run } from "../../src/dispatch/run.ts";
import { place } from "../../src/dispatch/place.ts";
import { type Permit, record } from "../../src/dispatch/record.ts";
import { claim } from "../../src/dispatch/claim.ts";
import { judgeWindows } from "../../src/dispatch/judge-windows.ts";
import { decideLeads } from "../../src/dispatch/decide.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { settle } from "../../src/dispatch/settle.ts";
import type { DispatchDeps } from "../../src/dispatch/deps.ts";
import type { OrgDb } from "../../src/db/org-db.ts";
import { recordAnswer } from "../../src/db/queries/dispatch.ts";
import { bumpOrg } from "../../src/db/queries/fact-versions.ts";
import { stopPerson } from "../../src/db/queries/persons.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { publicId } from "../../src/lib/ids.ts";
import { buildWorld, newId, noon, type World, type WorldOptions } from "../support/world.ts";
import type { TestDatabase } from "../support/database.ts";
import { type FaultOutcome, type FaultyWorker, faultyWorker, outcomes } from "./faulty-worker.ts";
import { brokenInvariants, expectInvariants } from "./invariants.ts";
import { endedReport, keepLedger, type ProviderLedger } from "./provider-ledger.ts";
import { endWaits, freshOrg, recover } from "./recover.ts";

interface Bench {
  readonly world: World;
  readonly worker: FaultyWorker;
  readonly ledger: ProviderLedger;
  readonly outcome: FaultOutcome;
  /** Of the process that fails. */
  readonly deps: DispatchDeps;
}
interface Expected {
  /** Calls that the provider was asked for before the recovery, and after it. */
  readonly posts: readonly [before: number, after: number];
  readonly attempts: readonly string[];
  readonly enrolment: readonly [state: string, reason: string | null];
}
interface Row {
  readonly row: number;
  readonly title: string;
  readonly outcomes: readonly FaultOutcome[];
  readonly world?: WorldOptions;
  readonly act: (bench: Bench) => Promise<void>;
  readonly expected: (outcome: FaultOutcome) => Expected;
}

const dialedOnceLater: Expected = { posts: [0, 1], attempts: ["completed"], enrolment: ["done", "answered"] };
const dialedOnce: Expected = { posts: [1, 1], attempts: ["completed"], enrolment: ["done", "answered"] };
const neverLeft: Expected = { posts: [0, 0], attempts: ["not_placed"], enrolment: ["waiting", "not_placed"] };
const noCall: Expected = { posts: [1, 1], attempts: ["not_placed"], enrolment: ["waiting", "not_placed"] };

const swallow = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);
const dial = ({ deps, world }: Bench): Promise<unknown> => swallow(run(deps, world.org, 20));

/** The permit of the world's one lead, minted and not yet placed. */
async function permitOf({ deps, world }: Bench): Promise<Permit> {
  for (let round = 0; round < 3; round++) {
    const batch = await claim(world.org, newId(), 10);
    if (batch.edges.length > 0) await judge(deps, world.org, batch);
    if (batch.leads.length === 0) continue;
    const decided = await decideLeads(deps.desk, batch.bound.now, batch.campaigns, batch.leads);
    const [recorded] = await record(world.org, { ...batch, at: batch.bound.now, decided });
    if (recorded?.permit != null) return recorded.permit;
  }
  throw new Error("no permit was minted");
}
async function judge(deps: DispatchDeps, org: OrgDb, batch: Awaited<ReturnType<typeof claim>>): Promise<void> {
  await judgeWindows(org, deps.desk, batch.bound.now, batch.edges);
}

/** An opt-out of the world's first person in one request, as the app role. */
const optOut = (world: World, org: OrgDb): Promise<unknown> =>
  org.query(
    {
      name: "suppression.insert",
      text: "insert into suppressions (org_id, id, person_id, source, by_org, recorded_at) values ((select app.org()), $1, $2, 'api', false, app.now())",
      params: [newId(), world.personIds[0]],
    },
    stopPerson(world.personIds[0] as string, "suppressed"),
  );

const rows: readonly Row[] = [
  ...(["not applied", "applied but errored", "crash after"] as const).map((only, index): Row => ({
    row: index + 1,
    title: [
      "the claim's request is lost",
      "the claim commits and its answer is lost",
      "the worker ends after the claim, before the gates",
    ][index] as string,
    outcomes: [only],
    act: async (bench) => {
      await openWindows(bench);
      bench.worker.arm("app.claim_enrolments", bench.outcome);
      await dial(bench);
    },
    expected: () => dialedOnceLater,
  })),
  {
    row: 4,
    title: "the gates cannot be asked: their rules cannot be read, the scrub is missing, or the facts cannot be read",
    outcomes,
    world: { scrubbed: false },
    act: async (bench) => {
      await openWindows(bench);
      const desk =
        bench.outcome === "not applied"
          ? { ...bench.deps.desk, packs: () => Promise.reject(new Error("the rules cannot be read")) }
          : bench.deps.desk;
      if (bench.outcome === "crash after") bench.worker.arm("facts.leads", "not applied");
      await swallow(run({ ...bench.deps, desk }, bench.world.org, 20));
    },
    expected: () => ({ posts: [0, 0], attempts: [], enrolment: ["held", "scrub_missing"] }),
  },
  {
    row: 5,
    title: "an opt-out between the gates and the permit's use",
    outcomes,
    act: async (bench) => {
      const permit = await permitOf(bench);
      bench.worker.arm("suppression.insert", bench.outcome);
      await swallow(optOut(bench.world, bench.world.org));
      const org = bench.worker.crashed() ? freshOrg(bench.world, bench.worker.other()) : bench.world.org;
      await swallow(place({ ...bench.deps, voice: () => bench.world.voice }, org, permit));
    },
    expected: (outcome) =>
      outcome === "not applied" ? dialedOnce : { posts: [0, 0], attempts: ["cancelled"], enrolment: ["done", "suppressed"] },
  },
  {
    row: 5,
    title: "an org's halt between the gates and their record",
    outcomes: ["crash after"],
    act: async (bench) => {
      await openWindows(bench);
      const batch = await claim(bench.world.org, newId(), 10);
      const decided = await decideLeads(bench.deps.desk, batch.bound.now, batch.campaigns, batch.leads);
      await freshOrg(bench.world, bench.worker.other()).query(bumpOrg());
      const [recorded] = await record(bench.world.org, { ...batch, at: batch.bound.now, decided });
      expect(recorded).toMatchObject({ outcome: "facts_changed", permit: null });
    },
    expected: () => dialedOnceLater,
  },
  {
    row: 5,
    title: "the record of the decision",
    outcomes,
    act: async (bench) => {
      await openWindows(bench);
      bench.worker.arm("app.record_decisions", bench.outcome);
      await dial(bench);
    },
    expected: (outcome) =>
      outcome === "not applied" ? dialedOnceLater : { ...dialedOnceLater, attempts: ["expired", "completed"] },
  },
  {
    row: 6,
    title: "the permit's use, before the credential is opened",
    outcomes,
    act: async (bench) => {
      bench.worker.arm("app.consume_permit", bench.outcome);
      await dial(bench);
    },
    expected: (outcome) => (outcome === "not applied" ? { ...dialedOnceLater, attempts: ["expired", "completed"] } : neverLeft),
  },
  {
    row: 7,
    title: "the credential cannot be opened",
    outcomes,
    act: async (bench) => {
      bench.worker.arm("app.record_answer", bench.outcome);
      await swallow(run({ ...bench.deps, voice: () => null }, bench.world.org, 20));
    },
    expected: (outcome) =>
      outcome === "not applied"
        ? neverLeft
        : { posts: [0, 0], attempts: ["failed_no_call"], enrolment: ["waiting", "connection_unreachable"] },
  },
  {
    row: 8,
    title: "the worker stalls between the permit's use and the call",
    outcomes,
    act: async (bench) => {
      const permit = await permitOf(bench);
      let asked = 0;
      // The second look at the clock is the one after the permit was used: two minutes have passed.
      const now = () => addSeconds(bench.world.deps.now(), asked++ < 1 ? 0 : 120);
      bench.worker.arm("app.record_answer", bench.outcome);
      await swallow(place({ ...bench.deps, now }, bench.world.org, permit));
    },
    expected: (outcome) =>
      outcome === "not applied" ? neverLeft : { posts: [0, 0], attempts: ["failed_no_call"], enrolment: ["waiting", "stalled"] },
  },
  {
    row: 9,
    title: "the provider's answer to the call is a time-out, a reset or a 5xx",
    outcomes,
    act: async (bench) => {
      bench.world.voice.script.place = postThen(bench, (accept) => {
        if (bench.outcome !== "not applied") accept();
        if (bench.outcome === "crash after") bench.worker.crash();
        return { kind: "unknown", reason: "timeout", status: null };
      });
      await dial(bench);
    },
    expected: (outcome) => (outcome === "not applied" ? noCall : dialedOnce),
  },
  {
    row: 10,
    title: "the provider accepted, and the record of it",
    outcomes,
    act: async (bench) => {
      bench.worker.arm("app.record_answer", bench.outcome);
      await dial(bench);
    },
    expected: () => dialedOnce,
  },
  {
    row: 11,
    title: "the answer is recorded twice, and by a worker that lost its lease",
    outcomes,
    act: async (bench) => {
      await dial(bench);
      const [{ id } = { id: "" }] = await bench.world.sql<{ id: string }>("select id from dial_attempts where org_id = $1", [
        bench.world.orgId,
      ]);
      bench.worker.arm("app.record_answer", bench.outcome);
      const again = recordAnswer(id, "unknown", "timeout", null, null);
      await swallow(bench.world.org.query(again));
      await freshOrg(bench.world, bench.worker.other()).query(again, recordAnswer(id, "refused", "no_capacity", null, noon));
    },
    expected: () => dialedOnce,
  },
  {
    row: 11,
    title: "a decision is recorded by a worker whose lease is another's",
    outcomes: ["crash after"],
    act: async (bench) => {
      await openWindows(bench);
      const stale = await claim(bench.world.org, newId(), 10);
      const decided = await decideLeads(bench.deps.desk, stale.bound.now, stale.campaigns, stale.leads);
      await endWaits(bench.world);
      const fresh = await claim(freshOrg(bench.world, bench.worker.other()), newId(), 10);
      expect(fresh.leads).toHaveLength(1);
      const [recorded] = await record(bench.world.org, { ...stale, at: stale.bound.now, decided });
      expect(recorded).toMatchObject({ outcome: "lease_lost", permit: null });
      expect(await bench.world.sql("select 1 from decisions where org_id = $1", [bench.world.orgId])).toEqual([]);
    },
    expected: () => dialedOnceLater,
  },
  {
    row: 12,
    title: "the provider's report arrives before its answer is recorded",
    outcomes,
    act: async (bench) => {
      bench.world.voice.script.place = postThen(bench, async (accept) => {
        const accepted = accept();
        const keep = { keep_transcripts: true, keep_recordings: true };
        const [{ id } = { id: "" }] = await bench.world.sql<{ id: string }>("select id from dial_attempts where org_id = $1", [
          bench.world.orgId,
        ]);
        await settle(
          freshOrg(bench.world, bench.worker.other()),
          bench.world.connectionId,
          endedReport(publicId("attempt", id)),
          keep,
        );
        return accepted;
      });
      bench.worker.arm("app.record_answer", bench.outcome);
      await dial(bench);
    },
    expected: () => dialedOnce,
  },
  {
    row: 12,
    title: "the provider's report, applied by a worker that fails",
    outcomes,
    act: async (bench) => {
      await dial(bench);
      const [report] = [...bench.ledger.calls.values()];
      bench.worker.arm("app.apply_report", bench.outcome);
      await swallow(
        settle(bench.world.org, bench.world.connectionId, report ?? endedReport("none"), {
          keep_transcripts: true,
          keep_recordings: true,
        }),
      );
    },
    expected: () => dialedOnce,
  },
  {
    row: 13,
    title: "the provider lists the call late, and the write that settles it",
    outcomes,
    act: async (bench) => {
      bench.world.voice.script.place = postThen(bench, (accept) => {
        accept();
        return { kind: "unknown", reason: "timeout", status: null };
      });
      await dial(bench);
      bench.ledger.lags = true;
      // Before the settle time nothing is looked up, and an empty list proves nothing.
      await bench.world.sql("update dial_attempts set settle_after = clock_timestamp() + interval '1 hour' where org_id = $1", [
        bench.world.orgId,
      ]);
      expect(await reconcile(bench.deps, bench.world.org)).toMatchObject({ lookedUp: 0 });
      bench.ledger.lags = false;
      await endWaits(bench.world);
      bench.worker.arm("app.apply_report", bench.outcome);
      await swallow(reconcile(bench.deps, bench.world.org));
    },
    expected: () => dialedOnce,
  },
  {
    row: 13,
    title: "the provider never had the call, and the write that says so",
    outcomes,
    act: async (bench) => {
      bench.world.voice.script.place = postThen(bench, () => ({ kind: "unknown", reason: "connection_lost", status: null }));
      await dial(bench);
      await endWaits(bench.world);
      bench.worker.arm("app.settle_absent", bench.outcome);
      await swallow(reconcile(bench.deps, bench.world.org));
    },
    expected: () => noCall,
  },
  {
    row: 15,
    title: "two versions of the worker run at once, and one of them fails",
    outcomes,
    act: async (bench) => {
      const other = freshOrg(bench.world, bench.worker.other());
      bench.worker.arm("app.record_decisions", bench.outcome);
      await Promise.all([dial(bench), swallow(run({ ...bench.deps, voice: () => bench.world.voice }, other, 20))]);
    },
    expected: () => ({ posts: [-1, 1], attempts: [], enrolment: ["done", "answered"] }),
  },
];

/** Windows are judged by a first, empty round, so that the next claim is the one that leases. */
async function openWindows({ world, deps }: Bench): Promise<void> {
  await judge(deps, world.org, await claim(world.org, newId(), 10));
}

/** Keeps the ledger's own record of the post and lets the row say what comes back. */
function postThen(bench: Bench, answer: (accept: () => { kind: "accepted"; providerCallId: string }) => unknown) {
  const posted = bench.world.voice.script.place;
  return async (call: Parameters<typeof posted>[0]) => {
    await posted(call);
    bench.ledger.calls.delete(call.attemptId);
    const accept = () => {
      bench.ledger.calls.set(call.attemptId, endedReport(call.attemptId));
      return { kind: "accepted", providerCallId: `call_${call.attemptId}` } as const;
    };
    return (await answer(accept)) as Awaited<ReturnType<typeof posted>>;
  };
}

async function benchOf(db: TestDatabase, { world: options }: Pick<Row, "world">, outcome: FaultOutcome): Promise<Bench> {
  const worker = faultyWorker();
  const world = await buildWorld(db, { ...options, transport: worker.transport });
  const ledger = keepLedger(world);
  // A dead process posts nothing either.
  const voice: DispatchDeps["voice"] = () => (worker.crashed() ? null : world.voice);
  return { world, worker, ledger, outcome, deps: { ...world.deps, voice } };
}

async function expectRow(bench: Bench, { expected }: Row): Promise<void> {
  const { world, ledger, outcome, worker } = bench;
  const { posts, attempts, enrolment } = expected(outcome);
  if (posts[0] >= 0) expect(ledger.posts, "posts before the recovery").toHaveLength(posts[0]);
  await recover(world, worker.other());
  await expectInvariants(world, ledger);
  expect(ledger.posts, "posts after the recovery").toHaveLength(posts[1]);
  const states = await world.sql<{ state: string }>("select state from dial_attempts where org_id = $1 order by minted_at, id", [
    world.orgId,
  ]);
  if (posts[0] >= 0) expect(states.map(({ state }) => state)).toEqual(attempts);
  const [row] = await world.sql<{ state: string; reason: string | null }>(
    "select state, reason from enrolments where org_id = $1",
    [world.orgId],
  );
  expect([row?.state ?? "none", row?.reason ?? null]).toEqual(enrolment);
}

/** One named test a row and outcome, on whichever database the file opened. */
export function crashTable(open: () => TestDatabase): void {
  describe("the crash table", () => {
    it("positive control: without a fault the system dials once and settles", async () => {
      const bench = await benchOf(open(), {}, "not applied");
      await dial(bench);
      await expectRow(bench, { row: 0, title: "", outcomes, act: dial as never, expected: () => dialedOnce });
    });
    it("negative control: the invariants see a call without a permit, a call posted twice and a permit that is gone", async () => {
      const bench = await benchOf(open(), {}, "not applied");
      await dial(bench);
      await recover(bench.world, bench.worker.other());
      const [post] = bench.ledger.posts;
      if (post === undefined) throw new Error("nothing was dialed");
      bench.ledger.posts.push({ ...post, behind: { consumed: false, verdict: null, outcome: null, state: null } });
      await bench.world.sql("delete from permits where org_id = $1", [bench.world.orgId]);
      const broken = (await brokenInvariants(bench.world, bench.ledger)).join("; ");
      expect(broken).toMatch(/posted 2 times/);
      expect(broken).toMatch(/without a committed allow/);
      expect(broken).toMatch(/permits that do not fit/);
    });
    for (const row of rows) {
      for (const outcome of row.outcomes) {
        it(`row ${row.row}: ${row.title} — ${outcome}`, async () => {
          const bench = await benchOf(open(), row, outcome);
          await row.act(bench);
          await expectRow(bench, row);
        });
      }
    }
  });
}
