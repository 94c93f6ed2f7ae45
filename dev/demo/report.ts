/** Chapters 5 to 7: what became of the leads, one refusal, and the promises checked. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { zonesOf } from "../../src/gates/location.ts";
import { uuidOf } from "../../src/lib/ids.ts";
import type { Json } from "./api-client.ts";
import { bold, counted, dim, green, heading, red, say, table } from "./print.ts";
import { checkPromises } from "./promises.ts";
import { type Demo, data } from "./story.ts";

export async function report({ api, stack }: Demo, stops: Json): Promise<void> {
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

export async function audit({ api, stack, org }: Demo, imported: Json, stops: Json): Promise<boolean> {
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
