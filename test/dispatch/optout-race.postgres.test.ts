import { afterEach, describe, expect, it } from "vitest";
import { recordScrubs } from "../../src/db/queries/scrubs.ts";
import { pauseCampaign } from "../../src/domain/campaigns/pause-campaign.ts";
import { recordConsent } from "../../src/domain/consent/record-consent.ts";
import { halt } from "../../src/domain/halts/halt.ts";
import { suppressNumbers } from "../../src/domain/suppressions/suppress.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { numberHasher } from "../../src/lib/number-hash.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { newId } from "../support/world.ts";
import { full, report } from "./figures.ts";
import { type Forbidding, race, type RaceFigures, type RaceSize } from "./race.ts";
import { withoutCancelling, withoutVersionCheck } from "./rewrite.ts";

const numbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
const packs = await packRefs();
const input = { source: "api", byOrg: false, note: null, attemptId: null } as const;

const optOut: Forbidding = { name: "opt-out", act: (org, { e164 }) => suppressNumbers(org, numbers, [e164], input) };
const others: readonly Forbidding[] = [
  {
    name: "revocation",
    act: (org, { leadId }) => {
      const body = { given: "2026-11-18T17:00:00Z", channel: "call" };
      return recordConsent(org, { numbers, packs }, { leadId }, { kind: "revocation", body: body as never });
    },
  },
  {
    name: "org halt",
    act: (org) => halt(org, { reason: "org_halted", note: "stop" }),
    undo: async (world) => {
      await world.sql("update halts set ended_at = since where org_id = $1", [world.orgId]);
      await world.sql("update org_facts set facts_version = facts_version + 1 where org_id = $1", [world.orgId]);
    },
  },
  {
    name: "campaign pause",
    act: (org, { world }) => pauseCampaign(org, world.campaignId, null),
    undo: async (world) => {
      await world.sql("update campaigns set status = 'running' where org_id = $1", [world.orgId]);
      await world.sql("update org_facts set facts_version = facts_version + 1 where org_id = $1", [world.orgId]);
    },
  },
  {
    name: "do-not-call listing",
    act: (org, { personId, leadId, world }) =>
      org.changeInOneRequest(
        [{ action: "scrub.recorded", subject: "race" }],
        recordScrubs({
          runId: newId(),
          connectionId: world.connectionId,
          responseDigest: "\\x00",
          answers: [
            {
              id: newId(),
              personId,
              list: "national",
              kind: "do_not_call",
              result: "listed",
              listVersionAt: "2026-11-18T00:00:00Z",
            },
          ],
          leads: [{ id: leadId, dueAt: "2026-12-18T00:00:00Z" }],
        }),
      ),
  },
];

const size = (pairs: number, ahead = 40): RaceSize =>
  ahead === 1 ? { pairs, orgs: 8, atOnce: 1, ahead } : { pairs, orgs: 8, atOnce: 2, ahead };
const pairs = full ? 100_000 : 5_000;
const controlPairs = 800;
const otherPairs = full ? 5_000 : 320;

let db: TestDatabase | undefined;
afterEach(async () => {
  await db?.close();
  db = undefined;
});

async function raced(
  arm: string,
  forbidding: Forbidding,
  how: RaceSize,
  weaken: (db: TestDatabase) => Promise<void> = async () => undefined,
): Promise<RaceFigures> {
  db = await openTestDatabase({ postgres: true });
  await weaken(db);
  const started = performance.now();
  const figures = await race(db, forbidding, how);
  const seconds = (performance.now() - started) / 1000;
  const { dialed, late, waited, failures } = figures;
  const line = `${forbidding.name} race: ${arm} ${figures.pairs} pairs, ${waited} waited, ${dialed} dialed, ${late} late dials`;
  report(`${line}, ${failures} failures, ${seconds.toFixed(0)} s`, {
    test: "race",
    forbidding: forbidding.name,
    arm,
    ...figures,
    seconds,
  });
  return figures;
}

describe("no dial commits after what forbids it has committed", () => {
  it(
    `the whole arm: of ${pairs} opt-outs that race a dial, none is followed by it`,
    { timeout: full ? 3_600_000 : 600_000 },
    async () => {
      const figures = await raced("whole arm", optOut, size(pairs));
      expect(figures).toMatchObject({ late: 0, failures: 0 });
      expect(figures.waited).toBeGreaterThanOrEqual(500);
      // Both orders occurred, often: else the race was none.
      expect(figures.dialed).toBeGreaterThan(pairs / 10);
      expect(figures.forbiddenFirst).toBeGreaterThan(pairs / 10);
    },
  );
  it("the control arm without the version check shows late dials", async () => {
    // The cancelling alone catches nearly all: one in a hundred is late.
    const figures = await raced("without the version check", optOut, size(3 * controlPairs), withoutVersionCheck);
    expect(figures.late).toBeGreaterThan(0);
  });
  it("the control arm without it and without the cancelling shows more of them", async () => {
    const figures = await raced("without it and without the cancelling", optOut, size(controlPairs), async (weak) => {
      await withoutVersionCheck(weak);
      await withoutCancelling(weak);
    });
    expect(figures.late).toBeGreaterThan(0);
  });
  for (const forbidding of others) {
    it(`${forbidding.name}: none of ${otherPairs} is followed by a dial`, async () => {
      const figures = await raced("whole arm", forbidding, size(otherPairs, forbidding.undo === undefined ? 40 : 1));
      expect(figures).toMatchObject({ late: 0, failures: 0 });
      expect(figures.dialed).toBeGreaterThan(0);
      expect(figures.forbiddenFirst).toBeGreaterThan(0);
    });
  }
  it("an org's halt without the version check shows late dials: nothing else holds them", async () => {
    const figures = await raced("without the version check", others[1] as Forbidding, size(otherPairs, 1), withoutVersionCheck);
    expect(figures.late).toBeGreaterThan(0);
  });
});
