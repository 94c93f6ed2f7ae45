/**
 * The API, its work and the vendors' simulators in one process: an org that is set up through the API alone, whose calls are
 * placed by the real adapters and whose webhooks come back over HTTP.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Simulators, startSimulators } from "../../dev/simulators/simulators.ts";
import type { OrgDb } from "../../src/db/org-db.ts";
import { callNow } from "../../src/dispatch/call-now.ts";
import { applyInbox } from "../../src/dispatch/apply-inbox.ts";
import type { DispatchDeps } from "../../src/dispatch/deps.ts";
import { expirePermits } from "../../src/dispatch/expire-permits.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { sendStops } from "../../src/dispatch/send-stops.ts";
import { snapshotDesk } from "../../src/domain/decisions/snapshot.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { judgeStanding } from "../../src/jobs/judge-standing.ts";
import { findOpenImports, runImport } from "../../src/jobs/run-import.ts";
import { scrubLeads } from "../../src/jobs/scrub-leads.ts";
import { publicId } from "../../src/lib/ids.ts";
import { instantOf } from "../../src/lib/instant.ts";
import { phoneMemo } from "../../src/lib/phone.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { zoneBook } from "../../src/lib/time-zones.ts";
import { adaptersOf } from "../../src/providers/registry.ts";
import { type Api, type Caller, openApi, orgNow } from "../http/api.ts";

export interface LiveOrg extends Caller {
  readonly account: string;
  readonly org: OrgDb;
  readonly seller: string;
  readonly retell: string;
  readonly elevenlabs: string;
  readonly dnc: string;
  readonly keys: { readonly retell: string; readonly webhook: string; readonly tool: string; readonly dnc: string };
  /** Adds leads with a consent that passes. Answers their public ids. */
  leads(rows: readonly Record<string, unknown>[]): Promise<string[]>;
  /** Drafts and launches. Answers its public id. */
  launch(connection: string, more?: Record<string, unknown>): Promise<string>;
  /** Uploads a file and reads it. */
  importFile(csv: string): Promise<string>;
}
export interface House {
  readonly api: Api;
  readonly simulators: Simulators;
  readonly dispatch: DispatchDeps;
  /** Every request that left for a provider. */
  readonly left: { readonly url: string; readonly body: string | null; readonly headers: Record<string, string> }[];
  /** Every webhook as it arrived; what happens with them meanwhile is `webhooks.pass`. */
  readonly webhooks: { readonly arrived: Arrived[]; pass: boolean };
  open(name: string): Promise<LiveOrg>;
  /** Whatever is due for the org, once each. */
  work(org: LiveOrg): Promise<void>;
  /** Lets the vendors' time pass: what happens in it is delivered to the API's webhooks. */
  vendorsLive(org: LiveOrg, seconds: number): Promise<void>;
  close(): Promise<void>;
}

export interface Arrived {
  readonly path: string;
  readonly raw: Uint8Array;
  readonly headers: Record<string, string>;
}

export const consentText =
  "By clicking I agree that Acme Solar LLC may call me, including by automated or AI voice, at the number above. Consent is not required to buy.";
const realNow = () => instantOf(Date.now() / 1000);

export async function openHouse(over: Partial<HttpDeps> = {}): Promise<House> {
  const simulators = await startSimulators({ registry: { listed: new Set(), areaCodes: new Set(["212", "312"]) } });
  const left: { url: string; body: string | null; headers: Record<string, string> }[] = [];
  const wiring = {
    // The API's own keyring: what it sealed is opened here.
    keyring: await importKeyring({ V1: Buffer.alloc(32, 5).toString("base64") }, "V1"),
    simulatorOrigin: simulators.origin,
    fetch: (url: string, init: RequestInit) => {
      left.push({ url, body: (init.body ?? null) as string | null, headers: init.headers as Record<string, string> });
      return fetch(url, init);
    },
    now: realNow,
  };
  const adapters = adaptersOf(wiring);
  const desk = snapshotDesk(zoneBook(), phoneMemo());
  const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
  const api: Api = await openApi(
    { now: realNow, adapters, desk, callNow: (org, asked) => callNow(dispatch, org, asked), ...over },
    simulators.origin,
  );
  const dispatch: DispatchDeps = {
    system: api.deps.system,
    now: realNow,
    milliseconds: Date.now,
    newId: api.deps.newId,
    desk,
    voice: adapters.voice,
    sleep,
    lookLater: async () => undefined,
  };
  const door = await webhookDoor(api);
  const house: House = {
    api,
    simulators,
    dispatch,
    left,
    webhooks: door.webhooks,
    open: (name) => openOrg(house, door.origin, name),
    async work({ org }) {
      const packs = await desk.packs();
      const { files, numbers } = api.deps;
      for (const id of await findOpenImports(org)) {
        await runImport({ bind: () => org, files, numbers, packs, requestId: "job_test", elapsedMs: () => 0 }, id);
      }
      await scrubLeads({ dnc: adapters.dnc }, org);
      await judgeStanding(dispatch, org, 20);
      await expirePermits(org);
      await run(dispatch, org, 20);
      await applyInbox(dispatch, org);
      await sendStops(dispatch, org);
      await reconcile(dispatch, org);
    },
    async vendorsLive({ account, org }, seconds) {
      const vendors = simulators.account(account);
      await vendors.advance(vendors.now + seconds);
      await applyInbox(dispatch, org);
      await sendStops(dispatch, org);
    },
    async close() {
      await door.close();
      await simulators.close();
      await api.close();
    },
  };
  return house;
}

async function openOrg(house: House, webhooks: string, name: string): Promise<LiveOrg> {
  const { api, simulators } = house;
  const caller = await api.seed({ name });
  const account = publicId("org", caller.orgId);
  const secret = (of: string) => `${of}_${caller.orgId.replaceAll("-", "")}`;
  const keys = { retell: secret("retell_key"), webhook: secret("hook"), tool: secret("tool"), dnc: secret("dnc") };
  const made = async (path: string, body: unknown): Promise<string> => {
    const answer = await caller.post(path, body, { "idempotency-key": api.deps.newId() });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`);
    return answer.json.id as string;
  };
  await caller.patch("/v1/policy", { max_concurrency: 1_000 });
  const seller = await made("/v1/sellers", { registered_name: "Acme Solar LLC", trade_names: ["Acme Sun"] });
  const speed = { max_concurrency: 1_000, calls_per_second: 200 };
  const from = "+12085550100";
  const retell = await made("/v1/connections", {
    vendor: "retell", name: "Retell", config: { agent_id: "agent_1", from_number: from }, credential: { api_key: keys.retell }, ...speed,
  }); // prettier-ignore
  const elevenlabs = await made("/v1/connections", {
    vendor: "elevenlabs", name: "ElevenLabs", config: { agent_id: "agent_1", agent_phone_number_id: "phnum_1", from_number: from },
    credential: { api_key: secret("eleven_key"), webhook_secret: keys.webhook, tool_secret: keys.tool }, ...speed,
  }); // prettier-ignore
  const dnc = await made("/v1/connections", {
    vendor: "http_dnc", name: "Lists", config: { lists: ["national", "litigator"] },
    credential: { token: secret("dnc_token"), signing_secret: keys.dnc },
  }); // prettier-ignore
  const shared = { account, now: orgNow, concurrency_limit: 1_000 };
  const url = (id: string) => `${webhooks}/webhooks/voice/${id}`;
  simulators.register({
    ...shared,
    vendor: "retell",
    api_key: keys.retell,
    webhook_url: url(retell),
    tool_url: `${url(retell)}/stop`,
  });
  simulators.register({
    ...shared, vendor: "elevenlabs", api_key: secret("eleven_key"), webhook_secret: keys.webhook, webhook_url: url(elevenlabs),
    tool_url: `${url(elevenlabs)}/stop`, tool_secret: keys.tool,
  }); // prettier-ignore
  simulators.register({ ...shared, vendor: "http_dnc", api_key: secret("dnc_token"), webhook_secret: keys.dnc });
  const consent = {
    seller_id: seller, obtained_at: "2026-10-01T12:00:00Z", basis: "pewc", purpose: "marketing", signature: "web_form_submit", text: consentText,
  }; // prettier-ignore
  return {
    ...caller, account, seller, retell, elevenlabs, dnc, keys,
    org: api.deps.system.asOrg(caller.orgId, { type: "job", id: "test" }, "job_test", realNow()),
    async leads(rows) {
      const leads = rows.map((row) => ({ first_name: "Ann", state: "NY", ...row, consent: { ...consent, ...(row["consent"] as object | undefined) } }));
      const answer = await caller.post("/v1/leads/batch", { leads });
      if (answer.json.accepted !== rows.length) throw new Error(answer.text);
      return answer.json.results.map((result: { lead_id: string }) => result.lead_id);
    },
    async launch(connection, more = {}) {
      const id = await made("/v1/campaigns", {
        name: "Solar", seller_id: seller, connection_id: connection, purpose: "marketing", max_concurrency: 1_000, ...more,
      }); // prettier-ignore
      const launched = await caller.post(`/v1/campaigns/${id}/launch`, {});
      if (launched.status !== 200) throw new Error(launched.text);
      return id;
    },
    async importFile(csv) {
      const columns = { phone: "Phone", first_name: "First", email: "Mail", notes: "Notes", state: "State", consent_at: "At", consent_text: "Text" };
      const attestation = { purpose: "marketing", basis: "pewc", signature: "web_form_submit", date_zone: "UTC" };
      const id = await made("/v1/imports", { seller_id: seller, file_name: "leads.csv", columns, attestation });
      const bytes = new TextEncoder().encode(csv);
      const headers = { "content-type": "text/csv", "content-length": String(bytes.length) };
      const sent = await api.send("PUT", `/v1/imports/${id}/file`, { key: caller.apiKey, raw: bytes, headers });
      if (sent.status !== 202) throw new Error(sent.text);
      return id;
    },
  }; // prettier-ignore
}

/** Where the vendors reach the API. */
async function webhookDoor(api: Api) {
  const webhooks: House["webhooks"] = { arrived: [], pass: true };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const arrived = { path: request.url ?? "/", raw: new Uint8Array(Buffer.concat(chunks)), headers };
      webhooks.arrived.push(arrived);
      if (!webhooks.pass) return void response.writeHead(204).end();
      void api
        .send("POST", arrived.path, arrived)
        .then(({ status, text }) =>
          response.writeHead(status, { "content-type": "application/json" }).end(status === 204 ? undefined : text),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    webhooks,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
