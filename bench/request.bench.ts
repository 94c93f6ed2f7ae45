/**
 * What it costs that a request is of someone: a read of one lead that proves its key, binds its org and notes the read,
 * beside the same route with neither, by the database's owner. Interleaved, on one server.
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import { SystemDb } from "../src/db/system-db.ts";
import type { Transport } from "../src/db/transport.ts";
import { createApp } from "../src/http/app.ts";
import type { HttpDeps, HttpEnv } from "../src/http/http-env.ts";
import { leadRoutes } from "../src/http/routes/leads.ts";
import { apiKeyHasher, mintApiKey } from "../src/lib/api-key.ts";
import { publicId } from "../src/lib/ids.ts";
import { testPeppers } from "../test/support/peppers.ts";
import { generous, memoryLimits } from "../test/support/rate-limits.ts";
import { reportAccess } from "../test/support/report.ts";
import { buildWorld } from "../test/support/world.ts";
import { type BenchContext, median } from "./bench.ts";
import { benchNow, newId, openBenchDatabase } from "./house.ts";
import { type CountedTransport, pgTransport } from "./pg-transport.ts";

export const name = "request";

const warmUp = 200;

export async function run({ smoke, figure }: BenchContext): Promise<void> {
  const requests = smoke ? 300 : 2_000;
  const { db, close } = await openBenchDatabase();
  const [bound, plain] = [pgTransport(db.connectionString, 1), pgTransport(db.adminConnectionString as string, 1)];
  try {
    const world = await buildWorld(db, { leads: 200, transport: () => bound });
    const hashApiKey = await apiKeyHasher(new Uint8Array(32).fill(9));
    const [lead] = await world.sql<{ id: string }>("select id from leads where org_id = $1 limit 1", [world.orgId]);
    const path = `/v1/leads/${publicId("lead", lead?.id ?? "")}`;
    const deps = (transport: Transport): HttpDeps =>
      ({
        system: new SystemDb(transport, newId, testPeppers),
        now: () => benchNow,
        newId,
        publicOrigin: "https://api.dialgate.test",
        hashApiKey,
        roleIsSafe: async () => true,
        report: () => undefined,
        // Counted in memory: on the platform a request waits for two Durable Objects besides, which no database knows of.
        quotas: generous,
        rateLimits: memoryLimits(),
        flood: async () => true,
      }) as unknown as HttpDeps;
    const apps = { ours: createApp(), theirs: routeAlone() };
    const mine = deps(bound);
    const other = deps(unbound(plain, world.orgId));
    const headers = { authorization: `Bearer ${await keyOf(world, hashApiKey)}` };
    const ours = () => apps.ours.request(path, { headers }, mine);
    const theirs = () => apps.theirs.request(path, {}, other);
    for (const ask of [ours, theirs]) if ((await ask()).status !== 200) throw new Error(await (await ask()).text());
    const [took, tookAlone]: number[][] = [[], []];
    for (let at = -warmUp; at < requests; at++) {
      const [one, two] = [await timed(ours), await timed(theirs)];
      if (at < 0) continue;
      took?.push(one);
      tookAlone?.push(two);
    }
    bound.roundTrips = 0;
    await ours();
    const [mean, alone] = [median(took ?? []), median(tookAlone ?? [])];
    figure({ case: "a lead by key, bound and noted", n: requests, values: [mean], unit: "ms" });
    figure({ case: "the same route with neither", n: requests, values: [alone], unit: "ms" });
    figure({ case: "ratio of medians", n: requests, values: [mean / alone], unit: "x", peer: "the same route with neither" });
    figure({ case: "a lead by key", n: 1, values: [bound.roundTrips], unit: "database requests", atMost: 1 });
    reportAccess("request", {
      ratio_of_medians: Number((mean / alone).toFixed(2)),
      database_requests: bound.roundTrips,
      requests,
    });
  } finally {
    await Promise.all([bound.close(), plain.close()]);
    await close();
  }
}

async function timed(ask: () => Response | Promise<Response>): Promise<number> {
  const began = performance.now();
  await (await ask()).text();
  return performance.now() - began;
}

async function keyOf(
  world: Awaited<ReturnType<typeof buildWorld>>,
  hash: (clear: string) => Promise<Uint8Array>,
): Promise<string> {
  const { clear, id } = mintApiKey(newId(), false, crypto.getRandomValues(new Uint8Array(32)));
  await world.sql(
    "insert into api_keys (org_id, id, name, secret_hash, scopes, created_at) values ($1, $2, 'bench', decode($3, 'hex'), '{leads:read}', now())",
    [world.orgId, id, Buffer.from(await hash(clear)).toString("hex")],
  );
  return clear;
}

/** The routes of leads and nothing before them: whoever asks is taken for someone. */
function routeAlone(): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>();
  app.use(async (c, next) => {
    c.set("requestId", "req");
    c.set("principal", { kind: "api_key", id: newId(), hash: new Uint8Array(32), org: null });
    await next();
  });
  leadRoutes(app);
  return app;
}

/** Statements as they are, without the binding before them and the note behind: the org is a value in each. */
function unbound(plain: CountedTransport, orgId: string): Transport {
  const row = { org_id: orgId, now: benchNow, livemode: false, scopes: ["leads:read"], refusal: null };
  const binding = { columns: Object.keys(row), rows: [Object.values(row)] };
  return {
    transaction: plain.transaction,
    async batch(statements) {
      const own = statements.filter(({ name: of }) => of !== "app.bind_api_key" && of !== "audit.append_many");
      const answers = await plain.batch(own.map((one) => ({ ...one, text: one.text.replaceAll("(select app.org())", `'${orgId}'::uuid`) })));
      return [binding, ...answers, { columns: [], rows: [] }];
    },
  };
} // prettier-ignore
