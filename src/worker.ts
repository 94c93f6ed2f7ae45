import { buildDeps, type Deps, importKeys, type Keys, type Outside, type WorkMessage } from "./deps.ts";
import { advanceClock } from "./dispatch/advance-clock.ts";
import { applyInbox } from "./dispatch/apply-inbox.ts";
import { callNow } from "./dispatch/call-now.ts";
import { expirePermits } from "./dispatch/expire-permits.ts";
import { openDesk } from "./dispatch/open-desk.ts";
import { reconcile } from "./dispatch/reconcile.ts";
import { run } from "./dispatch/run.ts";
import { sendStops } from "./dispatch/send-stops.ts";
import { type Env, parseEnv, type WorkerEnv } from "./env.ts";
import { createApp } from "./http/app.ts";
import type { HttpDeps } from "./http/http-env.ts";
import { knownIssuers } from "./http/known-issuers.ts";
import { isolateMemory } from "./http/isolate-memory.ts";
import { quotasOf } from "./http/quotas.ts";
import { type FaultReport, faultOf } from "./http/on-error.ts";
import { judgeStanding } from "./jobs/judge-standing.ts";
import { findOpenImports, runImport } from "./jobs/run-import.ts";
import { scrubLeads } from "./jobs/scrub-leads.ts";
import { MailGivenUp, mailIsDue, sendMail } from "./jobs/send-mail.ts";
import { sweepMails } from "./jobs/sweep-mails.ts";
import type { JobName } from "./lib/audit-actors.ts";
import { type ObjectState, RateLimiterObject } from "./objects/rate-limiter.ts";

type Desk = ReturnType<typeof openDesk>;
type OrgDb = ReturnType<Deps["system"]["asOrg"]>;
type WorkKind = Exclude<WorkMessage["work"], "mail">;

interface QueueMessage {
  readonly body: unknown;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}
interface ExecutionContext {
  waitUntil(promise: Promise<unknown>): void;
}

/** What an isolate keeps between invocations: results, never a connection or a promise of another invocation. */
interface Isolate {
  readonly env: Env;
  readonly keys: Keys;
  readonly desk: Desk;
  readonly knownIssuers: HttpDeps["knownIssuers"];
  readonly knownSessions: HttpDeps["knownSessions"];
  readonly knownUses: HttpDeps["knownUses"];
  /** Buckets that hold still until an instant, as their counter said. */
  readonly refusals: Map<string, number>;
  roleIsSafe: boolean;
}
const app = createApp();
let held: Isolate | undefined;

async function isolateOf(workerEnv: WorkerEnv): Promise<Isolate> {
  if (held === undefined) {
    const env = parseEnv(workerEnv);
    held = {
      env,
      keys: await importKeys(env),
      desk: openDesk(),
      knownIssuers: knownIssuers(),
      knownSessions: isolateMemory(),
      knownUses: isolateMemory(),
      refusals: new Map(),
      roleIsSafe: false,
    };
  }
  return held;
}

const outside: Outside = {
  milliseconds: () => Date.now(),
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  fetch: (url, init) => fetch(url, init),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
// Built from an allow-list: names and places in our code.
// oxlint-disable-next-line no-console -- the platform's log is where reports go
const report = (fault: FaultReport): void => console.error(JSON.stringify(fault));

/** Refuses to serve with a role that row-level security does not bind. Asked once an isolate; then its peppers are registered. */
async function roleIsSafe(isolate: Isolate, deps: Deps): Promise<boolean> {
  if (isolate.roleIsSafe) return true;
  if (await deps.system.unsafeRole()) return false;
  await deps.system.registerPeppers();
  return (isolate.roleIsSafe = true);
}

async function serve(request: Request, workerEnv: WorkerEnv, context: ExecutionContext): Promise<Response> {
  const isolate = await isolateOf(workerEnv);
  const deps = buildDeps(isolate.env, isolate.keys, outside, isolate);
  const http: HttpDeps = {
    ...deps,
    desk: isolate.desk,
    knownIssuers: isolate.knownIssuers,
    knownSessions: isolate.knownSessions,
    knownUses: isolate.knownUses,
    roleIsSafe: () => roleIsSafe(isolate, deps),
    checkDatabase: async () => void (await deps.system.unsafeRole()),
    callNow: (org, asked) => callNow({ ...deps, desk: isolate.desk }, org, asked),
    // The tick finds what a lost message left behind, so that no answer waits for the queue.
    wake: async (orgId, work) =>
      context.waitUntil(deps.send([{ org_id: orgId, work }]).catch((error) => report(faultOf(error, orgId)))),
    wakeMail: async () => context.waitUntil(deps.send([{ work: "mail" }]).catch((error) => report(faultOf(error, "mail")))),
    report,
    quotas: quotasOf(isolate.env),
  };
  return app.fetch(request, http);
}

const kinds: readonly WorkKind[] = [
  "dial",
  "import",
  "reconcile",
  "permits",
  "inbox",
  "outbox",
  "scrub",
  "standing",
  "test_clock",
];
const orgsMax = 1_000;

/** The tick: asks the doors who has work due, and sends one message an org and kind of work. */
async function tick(workerEnv: WorkerEnv): Promise<void> {
  const isolate = await isolateOf(workerEnv);
  const deps = buildDeps(isolate.env, isolate.keys, outside);
  if (!(await roleIsSafe(isolate, deps))) throw new Error("the database role could read past the walls: no work is handed out");
  const failures: unknown[] = [];
  for (const work of kinds) {
    try {
      const orgs = await deps.system.dueOrgs(work, deps.now(), orgsMax);
      await deps.send(orgs.map((org_id) => ({ org_id, work })));
    } catch (failure) {
      // One kind of work that fails must not hold up the others.
      failures.push(failure);
    }
  }
  for (const work of [askForMail, sweepMails]) {
    try {
      await work(deps.system, deps.send);
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function askForMail(system: Deps["system"], send: Deps["send"]): Promise<void> {
  if (await mailIsDue(system)) await send([{ work: "mail" }]);
}

/** A consumer has fifteen minutes; what is left then is asked for again. */
const clockSecondsMax = 600;
const dialSecondsMax = 50;
/** Judging costs CPU, of which an invocation has thirty seconds unless its settings say more (Workers limits). */
const standingSecondsMax = 20;

type Work = (deps: Deps & { desk: Desk }, org: OrgDb, bind: () => OrgDb, requestId: string) => Promise<unknown>;
/** One line for each kind of work. `again`: its time was up before its work was. */
const works: Readonly<Record<WorkKind, Work>> = {
  dial: (deps, org) => run(deps, org, dialSecondsMax),
  reconcile: (deps, org) => reconcile(deps, org),
  permits: (_, org) => expirePermits(org),
  inbox: (deps, org) => applyInbox(deps, org),
  outbox: (deps, org) => sendStops(deps, org),
  scrub: (deps, org) => scrubLeads(deps, org),
  standing: (deps, org) => judgeStanding(deps, org, standingSecondsMax),
  test_clock: (deps, org) => advanceClock(deps, deps.simulator, org, clockSecondsMax),
  import: async (deps, org, bind, requestId) => {
    const started = outside.milliseconds();
    const packs = await deps.desk.packs();
    let ends: "done" | "again" = "done";
    for (const id of await findOpenImports(org)) {
      const elapsedMs = () => outside.milliseconds() - started;
      if ((await runImport({ bind, files: deps.files, numbers: deps.numbers, packs, requestId, elapsedMs }, id)) === "again")
        ends = "again";
    }
    // Whoever came in is scrubbed and judged now, and not at the next tick.
    const { orgId } = await org.bound();
    await deps.send(["scrub", "standing"].map((work) => ({ org_id: orgId, work }) as WorkMessage));
    return ends;
  },
};

async function consume(messages: readonly QueueMessage[], workerEnv: WorkerEnv): Promise<void> {
  const isolate = await isolateOf(workerEnv);
  const deps = { ...buildDeps(isolate.env, isolate.keys, outside), desk: isolate.desk };
  if (!(await roleIsSafe(isolate, deps))) throw new Error("the database role could read past the walls: no work is done");
  for (const message of messages) {
    const asked = workOf(message.body);
    if (asked === null) {
      // Not ours, or of another version: it would never become readable.
      message.ack();
      continue;
    }
    const requestId = `job_${deps.newId()}`;
    try {
      await deps.send(await perform(deps, asked, requestId));
      message.ack();
    } catch (error) {
      report(faultOf(error instanceof Error ? error : new Error("unknown"), requestId));
      message.retry({ delaySeconds: 30 });
    }
  }
}

/** Does what a message asks, and answers what is to be asked for again. */
async function perform(deps: Deps & { desk: Desk }, asked: WorkMessage, requestId: string): Promise<readonly WorkMessage[]> {
  if (asked.work === "mail") {
    const { givenUp, againSeconds } = await sendMail(deps);
    if (givenUp > 0) report(faultOf(new MailGivenUp(), requestId));
    return againSeconds === null ? [] : [{ work: "mail", delay_seconds: againSeconds }];
  }
  const { org_id: orgId, work } = asked;
  const bind = () => deps.system.asOrg(orgId, { type: "job", id: work satisfies JobName }, requestId, deps.now());
  return (await works[work](deps, bind(), bind, requestId)) === "again" ? [asked] : [];
}

function workOf(body: unknown): WorkMessage | null {
  if (typeof body !== "object" || body === null) return null;
  const { org_id: orgId, work } = body as Record<string, unknown>;
  if (work === "mail") return { work };
  const known = kinds.find((kind) => kind === work);
  return known !== undefined && typeof orgId === "string" && /^[0-9a-f-]{36}$/.test(orgId)
    ? { org_id: orgId, work: known }
    : null;
}

/** The class of the binding RATE_LIMITER: the counter with this platform's clock. */
export class RateLimiter extends RateLimiterObject {
  constructor(state: ObjectState) {
    super(state, outside.milliseconds);
  }
}

export default {
  fetch: serve,
  scheduled: (_: unknown, env: WorkerEnv): Promise<void> => tick(env),
  queue: (batch: { readonly messages: readonly QueueMessage[] }, env: WorkerEnv): Promise<void> => consume(batch.messages, env),
};
