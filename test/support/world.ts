/** An org with everything that a dial needs, on a migrated database, and a voice provider that does as it is told. */
import { randomBytes } from "node:crypto";
import { neonTransport, type Transport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import type { OrgDb } from "../../src/db/org-db.ts";
import type { DispatchDeps } from "../../src/dispatch/deps.ts";
import { snapshotDesk } from "../../src/domain/decisions/snapshot.ts";
import { locate } from "../../src/gates/location.ts";
import { byteaText, sha256 } from "../../src/lib/bytes.ts";
import { addSeconds, type Instant, instantOf } from "../../src/lib/instant.ts";
import { numberHasher } from "../../src/lib/number-hash.ts";
import { ok } from "../../src/lib/result.ts";
import { phoneMemo } from "../../src/lib/phone.ts";
import { zoneBook } from "../../src/lib/time-zones.ts";
import { uuidMint } from "../../src/lib/uuid-v7.ts";
import type { LookedUp, PlaceCall, Placed, VoiceProvider } from "../../src/providers/voice/contract.ts";
import type { TestDatabase } from "./database.ts";
import { testPeppers } from "./peppers.ts";

export const newId = uuidMint(Date.now, randomBytes);
/** A Wednesday, 15:00 UTC: inside the window from coast to coast but Alaska and Hawaii. */
export const noon = "2026-11-18T18:00:00Z" as Instant;

export interface Script {
  place: (call: PlaceCall) => Promise<Placed> | Placed;
  lookup: (attemptId: string) => LookedUp;
}
export interface ScriptedVoice extends VoiceProvider {
  readonly placed: PlaceCall[];
  readonly lookups: string[];
  readonly stops: string[];
  script: Script;
}

/** Does what the script says and remembers what it was asked. Accepts every call by default. */
export function scriptedVoice(): ScriptedVoice {
  const voice: ScriptedVoice = {
    vendor: "retell",
    ring: "inferred",
    cancel: "connected",
    placed: [],
    lookups: [],
    stops: [],
    script: {
      place: (call) => ({ kind: "accepted", providerCallId: `call_${call.attemptId}` }),
      lookup: () => ({ kind: "absent" }),
    },
    async place(call) {
      voice.placed.push(call);
      return voice.script.place(call);
    },
    async lookup(attemptId) {
      voice.lookups.push(attemptId);
      return voice.script.lookup(attemptId);
    },
    async get(providerCallId) {
      voice.lookups.push(providerCallId);
      return voice.script.lookup(providerCallId);
    },
    async stop(providerCallId) {
      voice.stops.push(providerCallId);
      return ok("stopped");
    },
    check: async () => ok({ detail: "scripted", storesTranscripts: true }),
    verify: async () => ({ ok: false, refusal: "signature_missing" }),
    verifyStopTool: async () => ({ ok: false, refusal: "signature_missing" }),
  };
  return voice;
}

export interface World {
  readonly orgId: string;
  readonly campaignId: string;
  readonly connectionId: string;
  readonly sellerId: string;
  readonly leadIds: readonly string[];
  readonly personIds: readonly string[];
  readonly voice: ScriptedVoice;
  /** Delays, in seconds, of the looks that were asked for. */
  readonly looks: readonly number[];
  readonly deps: DispatchDeps;
  readonly org: OrgDb;
  readonly system: SystemDb;
  readonly transport: Transport;
  /** As the owner, who passes every wall. */
  sql<Row = Record<string, unknown>>(text: string, params?: readonly unknown[]): Promise<Row[]>;
  setClock(now: Instant): Promise<void>;
}

export interface WorldOptions {
  readonly leads?: number;
  readonly now?: Instant;
  readonly state?: string;
  readonly maxConcurrency?: number;
  readonly callsPerSecond?: number;
  readonly settleSeconds?: number;
  readonly transport?: (inner: Transport) => Transport;
  readonly scrubbed?: boolean;
  readonly enrol?: boolean;
}

/** Of states that keep no do-not-call list of their own, so that the national scrub is all that is demanded. */
const areaCodes = ["212", "213", "312", "404", "646", "702", "718", "503", "206", "310"];
const consentText =
  "By clicking I agree that Acme Solar LLC may call me, including by automated or AI voice, at the number above. Consent is not required to buy.";

export async function buildWorld(db: TestDatabase, options: WorldOptions = {}): Promise<World> {
  const now = options.now ?? noon;
  const [orgId, sellerId, connectionId, dncId, campaignId] = [newId(), newId(), newId(), newId(), newId()] as const;
  const sql = async <Row>(text: string, params: readonly unknown[] = []) => (await db.admin(text, params)).rows as Row[];
  const bare = neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` });
  const transport = options.transport?.(bare) ?? bare;
  const system = new SystemDb(transport, newId, testPeppers);

  await sql("insert into orgs (org_id, name, livemode, created_at) values ($1, 'Acme', false, $2)", [orgId, now]);
  await sql("insert into org_facts (org_id) values ($1)", [orgId]);
  await sql("insert into test_clocks (org_id, now, status) values ($1, $2, 'ready')", [orgId, now]);
  await sql("insert into calling_policies (org_id, max_concurrency) values ($1, $2)", [orgId, options.maxConcurrency ?? 100_000]);
  await bare.batch([
    { name: "bind", text: "select set_config('app.org_id', $1, true)", params: [orgId] },
    { name: "clock", text: "select set_config('app.now', $1, true)", params: [now] },
    { name: "peppers", text: "select app.register_peppers($1)", params: [testPeppers] },
    { name: "canary", text: "select app.plant_canary($1, $2)", params: [newId(), newId()] },
    { name: "chain", text: "select audit.open_chain()", params: [] },
  ]);
  await sql(
    "insert into sellers (org_id, id, registered_name, trade_names, san_area_codes, created_at) values ($1, $2, 'Acme Solar LLC', '{Acme Sun}', '{}', $3)",
    [orgId, sellerId, now],
  );
  const connection = `insert into connections (org_id, id, kind, vendor, name, config, status, inbox_keeps, max_concurrency, calls_per_second, settle_seconds,
    queue_delay_seconds, created_at) values ($1, $2, $3, $4, $4, $5, 'active', 'raw', $6, $7, $8, 30, $9)`;
  await sql(connection, [
    orgId,
    connectionId,
    "voice",
    "retell",
    "{}",
    options.maxConcurrency ?? 100_000,
    options.callsPerSecond ?? 100_000,
    options.settleSeconds ?? 2,
    now,
  ]);
  await sql(connection, [orgId, dncId, "dnc", "http_dnc", JSON.stringify({ lists: ["national", "litigator"] }), 1, 1, 1, now]);
  await sql("insert into credentials (org_id, connection_id, version, sealed, created_at) values ($1, $2, 1, '{}', $3)", [
    orgId,
    connectionId,
    now,
  ]);
  await sql(
    `insert into campaigns (org_id, id, name, seller_id, connection_id, status, purpose, debt_collection, from_number, ring_seconds, variables, retry_on,
       retry_after_seconds, max_concurrency, created_at)
     values ($1, $2, 'c', $3, $4, 'running', 'marketing', false, '+12125550100', 30, '{first_name}', '{no_answer,busy}', 3600, $5, $6)`,
    [orgId, campaignId, sellerId, connectionId, options.maxConcurrency ?? 100_000, now],
  );

  const people = await addLeads(sql, { orgId, dncId, now, options });
  const org = system.asOrg(orgId, { type: "job", id: "test" }, "req_test", instantOf(Date.now() / 1000));
  if (options.enrol ?? true) await org.rows({ name: "enrol", text: "select app.enrol_campaign($1, null)", params: [campaignId] });
  const voice = scriptedVoice();
  const looks: number[] = [];
  const deps: DispatchDeps = {
    system,
    now: () => instantOf(Date.now() / 1000),
    milliseconds: Date.now,
    newId,
    desk: snapshotDesk(zoneBook(), phoneMemo()),
    voice: () => voice,
    lookLater: async (_, seconds) => void looks.push(seconds),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  };
  return {
    orgId, campaignId, connectionId, sellerId, ...people, voice, deps, org, system, transport, sql,
    looks,
    setClock: async (to) => void (await sql("update test_clocks set now = $2 where org_id = $1", [orgId, to])),
  }; // prettier-ignore
}

async function addLeads(
  sql: World["sql"],
  { orgId, dncId, now, options }: { orgId: string; dncId: string; now: Instant; options: WorldOptions },
): Promise<{ leadIds: string[]; personIds: string[] }> {
  const count = options.leads ?? 1;
  const hasher = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
  const rows = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const e164 = `+1${areaCodes[index % areaCodes.length]}${String(2_340_000 + index).padStart(7, "0")}`;
      const state = options.state ?? "NY";
      const grant = {
        obtained_at: { given: "2026-10-01T00:00:00Z", utc: "2026-10-01T00:00:00Z", earliest: "2026-10-01T00:00:00Z", latest: "2026-10-01T00:00:00Z" },
        basis: "pewc", purpose: "marketing", source: "row", text: consentText, attested_seller: { registered_name: "Acme Solar LLC", trade_names: ["Acme Sun"] },
        signature: "web_form_submit", number: e164, page_url: null, ip: null, user_agent: null, certificate: null, recording: null,
      }; // prettier-ignore
      return {
        lead: newId(), person: newId(), consent: newId(), scrub: newId(), e164, state,
        hmac: byteaText((await hasher.hash(e164)).hmac),
        states: locate({ state, zip: null, e164 }).candidate_states.join(","),
        grant: JSON.stringify(grant), digest: byteaText(sha256(JSON.stringify(grant))),
      }; // prettier-ignore
    }),
  );
  const column = <K extends keyof (typeof rows)[number]>(key: K) => rows.map((row) => row[key]);
  await sql(
    `insert into persons (org_id, id, e164_hmac, pepper_version) select $1, u.id, u.hmac::bytea, 1 from unnest($2::uuid[], $3::text[]) as u(id, hmac)`,
    [orgId, column("person"), column("hmac")],
  );
  await sql(
    `insert into leads (org_id, id, person_id, e164, first_name, state, candidate_states, status, created_at, scrub_due_at)
       select $1, u.id, u.person, u.e164, 'Ann', u.state, u.states, 'eligible', $7, 'infinity'
       from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[]) as u(id, person, e164, state, states)`,
    [orgId, column("lead"), column("person"), column("e164"), column("state"), column("states"), now],
  );
  await sql(
    `insert into consent_events (org_id, id, person_id, kind, recorded_at, digest, body)
       select $1, u.id, u.person, 'grant', $6::timestamptz - interval '1 day', u.digest::bytea, u.body::jsonb
       from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) as u(id, person, digest, body)`,
    [orgId, column("consent"), column("person"), column("digest"), column("grant"), now],
  );
  if (options.scrubbed ?? true) {
    await sql(
      `insert into scrubs (org_id, id, person_id, list, kind, result, list_version_at, scrubbed_at, connection_id, run_id)
         select $1, u.id, u.person, 'national', 'do_not_call', 'clear', $5, $6, $4, u.id from unnest($2::uuid[], $3::uuid[]) as u(id, person)`,
      [orgId, column("scrub"), column("person"), dncId, addSeconds(now, -86_400), now],
    );
  }
  return { leadIds: column("lead"), personIds: column("person") };
}
