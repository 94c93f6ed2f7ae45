/**
 * `npm run demo`: a file of leads becomes gated calls, on this machine alone. `--once` ends after the report, with a code
 * other than 0 if a promise was not kept; without it everything keeps serving.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { zonesOf } from "../src/gates/location.ts";
import { uuidOf } from "../src/lib/ids.ts";
import type { Instant } from "../src/lib/instant.ts";
import { apiClient, type ApiClient, type Json } from "./demo/api-client.ts";
import { callbackColumns, callbacksCsv } from "./demo/callbacks.ts";
import { bold, counted, dim, green, heading, progress, red, say, table } from "./demo/print.ts";
import { checkPromises } from "./demo/promises.ts";
import { startStack, type Stack } from "./stack.ts";

const data = join(import.meta.dirname, "data");
const importedAt = "2026-11-18T15:00:00Z" as Instant;
/** 07:00 in New York, before any window opens; and 21:00 in Honolulu, after the last has closed. */
const dayBegins = "2026-11-19T12:00:00Z";
const dayEnds = "2026-11-20T07:00:00Z";
const callbacksAt = "2026-11-19T18:30:00Z";

interface Demo {
  readonly stack: Stack;
  readonly api: ApiClient;
  readonly org: string;
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function main(): Promise<void> {
  for (const signal of signals) process.once(signal, () => setTimeout(() => process.exit(130), 5_000).unref());
  const once = process.argv.includes("--once");
  const verbose = process.argv.includes("--verbose");
  const began = Date.now();
  say(bold("Dialgate") + dim("  everything below runs on this machine; nothing rings"));
  const stack = await startStack({
    registry: join(data, "dnc-registry.txt"),
    ...(once ? {} : { port: 8787 }),
    onLog: (line) => (verbose ? say(dim(line)) : undefined),
  });
  let kept = false;
  try {
    const { org, apiKey } = await stack.seed("Acme Leads", importedAt);
    const demo: Demo = { stack, org, api: apiClient(stack.origin, apiKey) };
    kept = await tellTheStory(demo);
    await whereNext(demo, Math.round((Date.now() - began) / 1000));
    if (!once) await untilInterrupted();
  } finally {
    await stack.close();
  }
  process.exitCode = kept ? 0 : 1;
}

async function tellTheStory(demo: Demo): Promise<boolean> {
  const setUp = await connect(demo);
  const imported = await importLeads(demo, setUp.seller);
  await scrub(demo);
  const stops = await dialTheDay(demo, setUp, imported.id);
  await report(demo, stops);
  return audit(demo, imported, stops);
}

interface SetUp {
  readonly seller: string;
  readonly retell: string;
  readonly elevenlabs: string;
}

async function connect({ stack, api, org }: Demo): Promise<SetUp> {
  heading("1  A seller and its providers");
  const map = JSON.parse(await readFile(join(data, "leads.map.json"), "utf8"));
  const seller = await api.post("/v1/sellers", {
    registered_name: map.attest.seller.legal_name,
    trade_names: map.attest.seller.trade_names,
  });
  const secret = (): string => randomBytes(24).toString("hex");
  const [retellKey, elevenKey, elevenHook, elevenTool, dncToken, dncSecret] = [
    secret(),
    secret(),
    secret(),
    secret(),
    secret(),
    secret(),
  ] as [string, string, string, string, string, string];
  await api.patch("/v1/policy", { max_concurrency: 1_000 });
  const retell = await api.post("/v1/connections", {
    vendor: "retell",
    name: "Retell",
    config: { agent_id: "agent_callback", from_number: "+12085550100" },
    credential: { api_key: retellKey },
    max_concurrency: 50,
    // Slow on purpose: permits wait for their turn, so that a stop can come between the decision and the dial.
    calls_per_second: 4,
  });
  const elevenlabs = await api.post("/v1/connections", {
    vendor: "elevenlabs",
    name: "ElevenLabs",
    config: { agent_id: "agent_solar", agent_phone_number_id: "phnum_1", from_number: "+12085550101" },
    credential: { api_key: elevenKey, webhook_secret: elevenHook, tool_secret: elevenTool },
    max_concurrency: 1_000,
    calls_per_second: 200,
  });
  const states = ["CO", "FL", "IN", "LA", "MA", "MO", "MS", "OK", "PA", "TN", "TX", "WY"];
  await api.post("/v1/connections", {
    vendor: "http_dnc",
    name: "Do-not-call source",
    config: { lists: ["national", "litigator", "wireless", ...states.map((state) => `state:${state}`)] },
    credential: { token: dncToken, signing_secret: dncSecret },
  });
  const shared = { account: org, now: importedAt, concurrency_limit: 1_000 };
  stack.simulators.register({
    ...shared,
    vendor: "retell",
    api_key: retellKey,
    webhook_secret: retellKey,
    webhook_url: retell.webhook_url,
    tool_url: retell.stop_tool_url,
  });
  stack.simulators.register({
    ...shared,
    vendor: "elevenlabs",
    api_key: elevenKey,
    webhook_secret: elevenHook,
    webhook_url: elevenlabs.webhook_url,
    tool_url: elevenlabs.stop_tool_url,
    tool_secret: elevenTool,
  });
  stack.simulators.register({ ...shared, vendor: "http_dnc", api_key: dncToken, webhook_secret: dncSecret });
  for (const connection of (await api.get("/v1/connections")).data) {
    const test = await api.post(`/v1/connections/${connection.id}/test`, {});
    say(
      `  ${connection.name.padEnd(22)} ${test.passed ? green("reachable") : red("failed")}  ${dim("its credential is sealed and is never shown again")}`,
    );
  }
  return { seller: seller.id, retell: retell.id, elevenlabs: elevenlabs.id };
}

async function importFile(
  api: ApiClient,
  seller: string,
  name: string,
  columns: Json,
  attestation: Json,
  file: Uint8Array<ArrayBuffer>,
): Promise<Json> {
  const announced = await api.post("/v1/imports", { seller_id: seller, file_name: name, columns, attestation });
  await api.put(announced.upload_url, "text/csv", file);
  const shown = progress(name);
  for (;;) {
    const state = await api.get(`/v1/imports/${announced.id}`);
    shown.show(state.bytes_done, state.bytes_total ?? file.length, `${state.rows_in} rows`);
    if (state.status === "succeeded") {
      shown.end(`${state.rows_in} rows`);
      return state;
    }
    if (state.status === "failed") throw new Error(`the import failed: ${state.status_reason}`);
    await sleep(150);
  }
}

/** Leads that a later row of their number made eligible: the job judges a number's new evidence soon after the file. */
async function admitted({ stack }: Demo, eligibleBefore: number): Promise<number> {
  for (let round = 0; round < 240; round++) {
    if (round % 40 === 0) await stack.tick();
    const { rows } = await stack.admin(
      "select (select count(*)::int from standing_marks) as marks, (select count(*)::int from leads where status = 'eligible') as eligible",
    );
    const { marks, eligible } = rows[0] as { marks: number; eligible: number };
    if (marks === 0) return eligible - eligibleBefore;
    await sleep(250);
  }
  throw new Error("the evidence of later rows was not judged");
}

async function importLeads(demo: Demo, seller: string): Promise<Json> {
  const { api } = demo;
  heading("2  A file of leads, as vendors export them");
  const map = JSON.parse(await readFile(join(data, "leads.map.json"), "utf8"));
  const { purpose, basis, signature, date_zone } = map.attest;
  const file = new Uint8Array(await readFile(join(data, "leads.csv")));
  const done = await importFile(api, seller, "leads.csv", map.columns, { purpose, basis, signature, date_zone }, file);
  table([
    ["rows in", done.rows_in],
    ["accepted", done.accepted],
    ["  eligible", done.eligible, "their consent passes"],
    ...counted(done.ineligible).map(([code, count]) => [`  ${code}`, count, "ineligible: can enter no queue"] as const),
    ...counted(done.rejected).map(([code, count]) => [`rejected: ${code}`, count] as const),
    ["eligible after all", await admitted(demo, done.eligible), "a later row of their number brought a consent that passes"],
  ]);
  return done;
}

async function scrub({ stack }: Demo): Promise<void> {
  heading("3  The do-not-call lists");
  const shown = progress("scrub");
  for (let round = 0; round < 600; round++) {
    if (round % 40 === 0) await stack.tick();
    const { rows } = await stack.admin(
      "select count(*)::int as leads, count(*) filter (where exists (select 1 from scrubs s where s.person_id = l.person_id))::int as scrubbed from leads l where status = 'eligible'",
    );
    const { leads, scrubbed } = rows[0] as { leads: number; scrubbed: number };
    shown.show(scrubbed, leads);
    if (scrubbed === leads) break;
    await sleep(250);
  }
  const { rows } = await stack.admin(
    "select list, result, count(*)::int as count from scrubs where list in ('national', 'litigator') group by 1, 2 order by 1, 3 desc",
  );
  shown.end(rows.map((row) => `${String(row["list"])} ${String(row["result"])} ${String(row["count"])}`).join(", "));
}

const advance = async ({ api, stack }: Demo, to: string): Promise<void> => {
  await api.post("/v1/test_clock/advance", { to });
  for (let round = 1; ; round++) {
    // The tick is the net under every queue message, here as in production.
    if (round % 80 === 0) await stack.tick();
    const clock = await api.get("/v1/test_clock");
    if (clock.status === "ready") return;
    if (clock.status === "failed") throw new Error(`the clock stopped: ${clock.status_reason}`);
    await sleep(250);
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
  for (let round = 0; round < 45; round++) {
    const open = await Promise.all(
      ["unknown", "placed", "in_progress"].map((state) => api.get(`/v1/attempts?state=${state}&limit=1`)),
    );
    if (open.every((list) => list.data.length === 0)) return;
    await stack.tick();
    await sleep(1_000);
  }
}

const localHour = (at: string, zone: string): string =>
  new Intl.DateTimeFormat("en-US", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));

async function dialTheDay(demo: Demo, setUp: SetUp, importId: string): Promise<Json> {
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
    const { rows } = await stack.admin("select count(*)::int as calls from calls");
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

async function report({ api, stack }: Demo, stops: Json): Promise<void> {
  heading("5  What became of the leads");
  const { rows } = await stack.admin(
    `select r->>'gate' as gate, r->>'verdict' as verdict, r->>'reason_code' as reason, count(*)::int as count
       from (select distinct on (lead_id) results from decisions order by lead_id, at desc, id desc) d, json_array_elements(d.results::json) r
      group by 1, 2, 3`,
  );
  say(dim("  gate               allow   defer   block   why not"));
  const gates = ["halt", "consent", "suppression", "dnc", "number", "calling_hours", "frequency", "capacity"];
  for (const gate of gates) {
    const of = (verdict: string) =>
      rows
        .filter((row) => row["gate"] === gate && row["verdict"] === verdict)
        .reduce((sum, row) => sum + Number(row["count"]), 0);
    const why = rows
      .filter((row) => row["gate"] === gate && row["verdict"] !== "allow")
      .toSorted((a, b) => Number(b["count"]) - Number(a["count"]))
      .slice(0, 4)
      .map((row) => `${String(row["reason"])} ${String(row["count"])}`);
    say(
      `  ${gate.padEnd(17)}${String(of("allow")).padStart(7)}${String(of("defer")).padStart(8)}${String(of("block")).padStart(8)}   ${dim(why.join(", "))}`,
    );
  }
  say();
  const calls = await api.all("/v1/calls");
  const outcomes: Record<string, number> = {};
  for (const call of calls)
    outcomes[call.stop_requested ? "answered: stop calling me" : call.disposition] =
      (outcomes[call.stop_requested ? "answered: stop calling me" : call.disposition] ?? 0) + 1;
  table(counted(outcomes).map(([name, count]) => [name, count]));
  const attempts = await api.all("/v1/attempts");
  const states: Record<string, number> = {};
  for (const attempt of attempts) states[attempt.state] = (states[attempt.state] ?? 0) + 1;
  say(
    dim(
      `  attempts: ${counted(states)
        .map(([name, count]) => `${name} ${count}`)
        .join(", ")}`,
    ),
  );

  heading("6  One refused lead, gate by gate");
  // It is night now: nobody may be called, and each lead knows when that ends.
  const unanswered = calls.find((call) => call.disposition === "no_answer" && call.campaign_id === stops.campaign);
  const decision = await api.post("/v1/decisions", { lead_id: unanswered.lead_id, campaign_id: unanswered.campaign_id });
  for (const gate of decision.gates) {
    const colour = gate.verdict === "allow" ? green : red;
    say(
      `  ${String(gate.gate).padEnd(15)} ${colour(String(gate.verdict).padEnd(6))} ${String(gate.reason_code).padEnd(26)} ${dim(gate.next_eligible_at ?? gate.fix?.text ?? "")}`,
    );
  }
  say(`  next eligible: ${bold(decision.next_eligible_at ?? `not by itself (${decision.fix?.code ?? "see the gates"})`)}`);
}

async function audit({ api, stack, org }: Demo, imported: Json, stops: Json): Promise<boolean> {
  heading("7  The promises, checked by someone who believes none of them");
  const expected = JSON.parse(await readFile(join(data, "leads.expected.json"), "utf8"));
  const ledger = (await (await fetch(`${stack.simulators.origin}/_simulator/calls?account=${org}`)).json()) as Json;
  const entries = await api.all("/v1/audit", 10_000);
  const { head } = await api.get("/v1/audit?limit=1");
  const { rows: leads } = await stack.admin("select id, e164, state from leads");
  const { rows: stopRows } = await stack.admin(
    "select l.e164, extract(epoch from s.recorded_at)::float8 as at from suppressions s join leads l on l.person_id = s.person_id",
  );
  const promises = await checkPromises({
    org: uuidOf("org", org) as string,
    expected,
    imported,
    calls: ledger.data.map((call: Json) => ({
      attemptId: call.attempt_id,
      toNumber: call.to,
      acceptedAt: Date.parse(call.created_at) / 1000,
    })),
    attempts: await api.all("/v1/attempts"),
    leads: new Map(
      leads.map((row) => [
        String(row["id"]),
        {
          phone: String(row["e164"]),
          zones: zonesOf([
            String(row["state"] ?? "")
              .trim()
              .toUpperCase(),
          ]),
        },
      ]),
    ),
    stops: stopRows.map((row) => ({ phone: String(row["e164"]), at: Number(row["at"]) })),
    audit: { entries, head },
    wire: stack.simulators
      .requests(org)
      .filter((request) => !request.path.startsWith("/v1/dnc/"))
      .map((request) => request.body),
    canaries: ["@example.com", "rang the bell twice", "I agree that Acme", "call after 5", "203.0.113."],
  });
  for (const promise of promises)
    say(`  ${promise.kept ? green("kept  ") : red("BROKEN")} ${promise.name.padEnd(52)} ${dim(promise.detail)}`);
  const cancelled = stops.suppression?.attempts_cancelled >= 1;
  say(
    `  ${cancelled ? green("kept  ") : red("BROKEN")} ${"an opt-out cancels the permitted attempt".padEnd(52)} ${dim(`${stops.suppression?.attempts_cancelled ?? 0} cancelled`)}`,
  );
  return cancelled && promises.every((promise) => promise.kept);
}

async function whereNext({ stack, api }: Demo, seconds: number): Promise<void> {
  heading("Where to look next");
  // An organisation of its own, so that the README's first calls begin where they say, and disturb nothing above.
  const { apiKey } = await stack.seed("First calls", dayEnds as Instant);
  say(`  ${bold("For the README's first API calls, in another terminal:")}`);
  say(`  export DIALGATE=${stack.origin} SIMULATOR=${stack.simulators.origin} KEY=${apiKey}`);
  say(`  ${stack.origin}/openapi.json   every route, with examples`);
  say(`  curl -H 'authorization: Bearer ${api.key}' ${stack.origin}/v1/account`);
  say(`  curl -H 'authorization: Bearer ${api.key}' '${stack.origin}/v1/attempts?limit=5'`);
  say(dim(`  docs/ has the rest. ${seconds} s.`));
}

const untilInterrupted = (): Promise<void> =>
  new Promise((resolve) => {
    say(dim("\n  Serving. Ctrl-C ends it."));
    for (const signal of signals) process.once(signal, () => resolve());
  });

await main().catch((error: unknown) => {
  console.error(red(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`));
  process.exitCode = 1;
});
