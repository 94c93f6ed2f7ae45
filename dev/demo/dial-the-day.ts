/** Chapter 4: one day of the test clock, from coast to coast. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "./api-client.ts";
import { callbackColumns, callbacksCsv } from "./callbacks.ts";
import type { SetUp } from "./connect.ts";
import { importFile } from "./import-leads.ts";
import { bold, dim, green, heading, say } from "./print.ts";
import type { Demo } from "./story.ts";

/** 07:00 in New York, before any window opens; and 21:00 in Honolulu, after the last has closed. */
const dayBegins = "2026-11-19T12:00:00Z";
export const dayEnds = "2026-11-20T07:00:00Z";
const callbacksAt = "2026-11-19T18:30:00Z";

const advance = async ({ api, stack }: Demo, to: string): Promise<void> => {
  await api.post("/v1/test_clock/advance", { to });
  for (let round = 1; ; round++) {
    // The tick is the net under every queue message, here as in production.
    if (round % 50 === 0) await stack.tick();
    const clock = await api.get("/v1/test_clock");
    if (clock.status === "ready") return;
    if (clock.status === "failed") throw new Error(`the clock stopped: ${clock.status_reason}`);
    // Most hours pass in a moment, and the busy ones want the machine for themselves.
    await sleep(Math.min(50 * round, 400));
  }
};

/** Permits wait for their turn on the real clock; moving the org's would end them. */
async function untilPlaced({ api }: Demo): Promise<void> {
  for (let quiet = 0; quiet < 4;) {
    const waiting =
      (await api.get("/v1/attempts?state=permitted&limit=1")).data.length +
      (await api.get("/v1/attempts?state=dialing&limit=1")).data.length;
    quiet = waiting === 0 ? quiet + 1 : 0;
    await sleep(100);
  }
}

/** What is not known is looked up a moment later, on the real clock. */
async function untilSettled({ api, stack }: Demo): Promise<void> {
  for (let round = 0; round < 180; round++) {
    const open = await Promise.all(
      ["unknown", "placed", "in_progress"].map((state) => api.get(`/v1/attempts?state=${state}&limit=1`)),
    );
    if (open.every((list) => list.data.length === 0)) return;
    if (round % 4 === 0) await stack.tick();
    await sleep(250);
  }
}

const localHour = (at: string, zone: string): string =>
  new Intl.DateTimeFormat("en-US", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));

export async function dialTheDay(demo: Demo, setUp: SetUp, importId: string): Promise<Json> {
  const { api, stack } = demo;
  heading("4  One day, from coast to coast");
  await advance(demo, dayBegins);
  const campaign = await api.post("/v1/campaigns", {
    name: "Solar, November",
    seller_id: setUp.seller,
    connection_id: setUp.elevenlabs,
    purpose: "marketing",
    max_concurrency: 1_000,
    // One attempt a day: the second would be tomorrow's.
    retry_after_seconds: 86_400,
  });
  const launched = await api.post(`/v1/campaigns/${campaign.id}/launch`, { import_ids: [importId] });
  say(`  launched with ${launched.enrolled} leads at 07:00 in New York: only Puerto Rico and the Virgin Islands are open`);
  await untilPlaced(demo);
  let stopped: Json = null;
  const zones = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu"] as const;
  say(
    dim(
      `  ${"New York".padEnd(10)}${"Chicago".padEnd(10)}${"Denver".padEnd(10)}${"Los Ang.".padEnd(10)}${"Honolulu".padEnd(10)}   calls so far`,
    ),
  );
  for (let at = Date.parse(dayBegins); at < Date.parse(dayEnds);) {
    at += 3_600_000;
    const to = new Date(at).toISOString().replace(".000Z", "Z");
    if (stopped === null && to > callbacksAt) stopped = await callbacks(demo, setUp);
    await advance(demo, to);
    const clocks = zones.map((zone) => {
      const hour = localHour(to, zone);
      return (hour >= "08:00" && hour < "21:00" ? green(hour.padEnd(10)) : dim(hour.padEnd(10))) as string;
    });
    const { rows } = await stack.admin(
      "select count(*)::int as calls from dial_attempts where state in ('unknown', 'placed', 'in_progress', 'completed', 'failed')",
    );
    say(`  ${clocks.join("")}${String((rows[0] as { calls: number }).calls).padStart(6)}`);
  }
  await untilSettled(demo);
  return { ...stopped, campaign: campaign.id };
}

/** A web form's leads are called back in minutes; one of them says stop between the decision and the dial. */
async function callbacks(demo: Demo, setUp: SetUp): Promise<Json> {
  const { api, stack } = demo;
  await advance(demo, callbacksAt);
  const now = (await api.get("/v1/test_clock")).now as string;
  const { csv } = callbacksCsv(now.replace(/:\d\dZ$/, ":00Z"));
  const attestation = { purpose: "marketing", basis: "pewc", signature: "web_form_submit", date_zone: "UTC" };
  const done = await importFile(api, setUp.seller, "callbacks.csv", callbackColumns, attestation, new TextEncoder().encode(csv));
  for (let round = 0; round < 100; round++) {
    if (round % 20 === 0) await stack.tick();
    const { rows } = await stack.admin(
      "select count(*)::int as due from leads l where status = 'eligible' and not exists (select 1 from scrubs s where s.person_id = l.person_id)",
    );
    if ((rows[0] as { due: number }).due === 0) break;
    await sleep(100);
  }
  const campaign = await api.post("/v1/campaigns", {
    name: "Call-backs",
    seller_id: setUp.seller,
    connection_id: setUp.retell,
    purpose: "marketing",
    max_concurrency: 50,
  });
  await api.post(`/v1/campaigns/${campaign.id}/launch`, { import_ids: [done.id] });
  await stack.tick();
  for (let round = 0; round < 200; round++) {
    const waiting = (await api.get(`/v1/attempts?campaign_id=${campaign.id}&state=permitted&limit=100`)).data;
    // The last in the line: its turn is seconds away.
    const last = waiting.at(0);
    if (last !== undefined && waiting.length > 8) {
      const lead = await api.get(`/v1/leads/${last.lead_id}`);
      const answer = await api.post("/v1/suppressions", { phones: [lead.phone], source: "inbound_call" });
      const [suppression] = answer.data ?? answer.results ?? [answer];
      const after = await api.get(`/v1/attempts/${last.id}`);
      say(
        `  ${bold("stop")}: a person called in while their call-back was permitted: ${suppression.attempts_cancelled} attempt cancelled, ${suppression.enrolments_closed} enrolments closed, the attempt is ${after.state}`,
      );
      await untilPlaced(demo);
      return { attempt: last.id, phone: lead.phone, suppression, callbacks: campaign.id };
    }
    await sleep(25);
  }
  throw new Error("no permitted attempt was seen waiting for its turn");
}
