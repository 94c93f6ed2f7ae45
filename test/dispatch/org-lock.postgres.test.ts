/**
 * The org's lock, where two changes of one org must not pass each other: a lead that is corrected while it is enrolled, and
 * a provider's refusal that may halt the connection. Each beside a control without the lock.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordAnswer } from "../../src/db/queries/dispatch.ts";
import type { Statement, Transport } from "../../src/db/transport.ts";
import { enrolLeads } from "../../src/domain/campaigns/enrol-leads.ts";
import { correctLead } from "../../src/domain/leads/correct-lead.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, type World, type WorldOptions } from "../support/world.ts";
import { sleep } from "./pg-transport.ts";
import { dialWorld } from "./reports.ts";
import { rewriteFunction } from "./rewrite.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase({ postgres: true });
});
afterAll(() => db.close());

/** Holds the first transaction that comes to a statement of this name, before the statement, until it is let go. */
function gate(name: string) {
  let reach: () => void = () => undefined;
  let open: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  let held = false;
  const wrap = (inner: Transport): Transport => ({
    ...inner,
    transaction: (work) =>
      inner.transaction((run) =>
        work(async (statement) => {
          if (statement.name === name && !held) {
            held = true;
            reach();
            await opened;
          }
          return run(statement);
        }),
      ),
  });
  return { wrap, reached, open };
}
/** The same with one statement made to do nothing. */
const without =
  (name: string) =>
  (inner: Transport): Transport => {
    const spared = (statement: Statement): Statement =>
      statement.name === name ? { name, text: "select 1 as nothing", params: [] } : statement;
    return { ...inner, transaction: (work) => inner.transaction((run) => work((statement) => run(spared(statement)))) };
  };
const codeOf = (reason: unknown): string => String((reason as { sqlstate?: string }).sqlstate ?? reason);
/** Long enough for whatever does not wait to be done, on a machine that has much else to do as well. */
const aWhile = 2_000;
async function withRewritten<T>(name: string, from: string, to: string, work: () => Promise<T>): Promise<T> {
  await rewriteFunction(db, name, [[from, to]]);
  try {
    return await work();
  } finally {
    await rewriteFunction(db, name, [[to, from]]);
  }
}

describe("a lead that moves to another state while it is enrolled", () => {
  /** Places that follow the hours of states in which their lead is no more. */
  const astray = (world: World) =>
    world.sql(
      `select 1 from enrolments e join leads l on l.org_id = e.org_id and l.id = e.lead_id
         join hour_profiles p on p.org_id = e.org_id and p.id = e.profile_id where e.org_id = $1 and p.candidate_states <> l.candidate_states`,
      [world.orgId],
    );
  const correct = (world: World) => correctLead(world.org, world.leadIds[0] as string, { state: "FL" });
  const enrol = (world: World) => enrolLeads(world.org, world.campaignId, "all");

  /** The one is held before it commits, the other comes. */
  async function inOrder(first: "correct" | "enrol", weaken: WorldOptions["transport"] = (inner) => inner) {
    const held = gate("audit.append_many");
    const world = await buildWorld(db, { leads: 1, enrol: false, transport: (inner) => weaken(held.wrap(inner)) });
    const [one, other] = first === "correct" ? [correct, enrol] : [enrol, correct];
    const begun = one(world);
    await held.reached;
    const then = other(world);
    await Promise.race([then, sleep(aWhile)]);
    held.open();
    await Promise.all([begun, then]);
    expect(await world.sql("select 1 from enrolments where org_id = $1", [world.orgId])).toHaveLength(1);
    return (await astray(world)).length;
  }

  test.each(["correct", "enrol"] as const)("has its place where it is, whichever came first: %s", async (first) => {
    expect(await inOrder(first)).toBe(0);
  });
  test("control: an enrolment without the org's lock reads the state that the lead has just left", async () => {
    const lock = "perform 1 from public.org_facts o where o.org_id = (select app.org()) for no key update;";
    expect(await withRewritten("app.enrol_campaign", lock, "null;", () => inOrder("correct"))).toBe(1);
  });
  test("control: a correction without the org's lock does not see the place that is being made", async () => {
    expect(await inOrder("enrol", without("org_facts.share"))).toBe(1);
  });
});

describe("a provider's answer", () => {
  /** One attempt at the provider, and a change that holds the org and will want its person. */
  async function besideCorrection(answer: readonly [kind: "refused" | "accepted", reason: string | null, callId: string | null]) {
    const held = gate("persons.bump");
    const world = await dialWorld(db, { leads: 1, transport: held.wrap });
    const [attempt = ""] = world.attempts;
    await world.sql("update dial_attempts set state = 'dialing', provider_call_id = null where org_id = $1", [world.orgId]);
    await world.sql("update connections set refused_in_row = 4 where org_id = $1 and id = $2", [world.orgId, world.connectionId]);
    const correction = correctLead(world.org, world.leadIds[0] as string, { city: "Elsewhere" });
    await held.reached;
    let answered = false;
    const told = world.org.query(recordAnswer(attempt, answer[0], answer[1], answer[2], null)).then(() => (answered = true));
    told.catch(() => undefined);
    await Promise.race([told.catch(() => undefined), sleep(aWhile)]);
    const waited = !answered;
    held.open();
    const ends = await Promise.allSettled([correction, told]);
    const failures = ends.flatMap((end) => (end.status === "rejected" ? [codeOf(end.reason)] : []));
    const [halts] = await world.sql<{ n: number }>("select count(*)::int as n from halts where org_id = $1", [world.orgId]);
    return { waited, failures, halts: halts?.n };
  }
  const refused = ["refused", "unauthorized", null] as const;

  test("that may halt its connection takes the org's lock before the person's, and waits", async () => {
    expect(await besideCorrection(refused)).toEqual({ waited: true, failures: [], halts: 1 });
  });
  test("control: taken behind the person's it is waited for in a circle", async () => {
    const [from, to] = ["app.hold_org(fault or ", "app.hold_org(false and fault or "];
    const done = await withRewritten("app.record_answer", from, to, () => besideCorrection(refused));
    expect(done.failures).toEqual(["40P01"]);
  });
  test("that halts nothing takes no lock of the org: answers of one org do not queue behind its changes", async () => {
    expect(await besideCorrection(["accepted", null, "call_1"])).toEqual({ waited: false, failures: [], halts: 0 });
  });
  test("control: one that holds the org without a fault does queue", async () => {
    const [from, to] = ["app.hold_org(fault or ", "app.hold_org(true or fault or "];
    const done = await withRewritten("app.record_answer", from, to, () => besideCorrection(["accepted", null, "call_1"]));
    expect(done.waited).toBe(true);
  });
});
