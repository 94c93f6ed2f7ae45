/** Two organisations with issuers of every kind, and a count of what each request asks of the database. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { generateKeyPairSync } from "node:crypto";
import type { Answer as DatabaseAnswer, Statement, Transport } from "../../src/db/transport.ts";
import { knownIssuers } from "../../src/http/known-issuers.ts";
import { uuidOf } from "../../src/lib/ids.ts";
import { addSeconds, type Instant, secondsOf } from "../../src/lib/instant.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { tokenKeys } from "../../src/providers/token-keys.ts";
import { type Json, type Signer, signerOf, type TestIssuer } from "../support/tokens.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";

/** Nothing is said of a token that was refused but this. */
export interface Asked {
  readonly statements: string[];
  /** Rows of the organisation's data: of every statement but those that bind and that look up an issuer's record. */
  tenantRows: number;
  lookUps: number;
}
export interface TokenGround {
  readonly api: Api;
  readonly origin: string;
  /** Seconds, as the worker's clock stands. */
  readonly now: number;
  readonly org: Caller;
  readonly other: Caller;
  readonly issuers: Readonly<Record<"EdDSA" | "ES256" | "RS256" | "HS256" | "set", TestIssuer>>;
  readonly ended: Readonly<Record<"revoked" | "expired", TestIssuer>>;
  readonly foreign: TestIssuer;
  readonly setKeys: Readonly<Record<"encryption" | "other" | "twice" | "again" | "told" | "small", Signer>>;
  /** What was asked of the database since the last call. */
  asked(): Asked;
  /** As a new isolate begins. */
  forgetIssuers(): void;
  readonly identityProvider: IdentityProvider;
  clock(now: Instant): void;
  close(): Promise<void>;
}

/** The customer's: an address that answers with a key set, over HTTP. */
export interface IdentityProvider {
  readonly url: string;
  keys: readonly Json[];
  answer: (() => { status: number; headers?: Record<string, string>; body: string }) | null;
  fetches: number;
  fetch(url: string, init: RequestInit): Promise<Response>;
  close(): Promise<void>;
}
async function startIdentityProvider(): Promise<IdentityProvider> {
  const server = createServer((_, response) => {
    provider.fetches += 1;
    const { status, headers = {}, body } = provider.answer?.() ?? { status: 200, body: JSON.stringify({ keys: provider.keys }) };
    response.writeHead(status, { "content-type": "application/jwk-set+json", ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: IdentityProvider = {
    url: "https://idp.acme-solar.com/jwks.json",
    keys: [],
    answer: null,
    fetches: 0,
    // The one host whose name is resolved here.
    fetch: (url, init) => fetch(url.replace("https://idp.acme-solar.com", local), init),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return provider;
}

const nothing = (): Asked => ({ statements: [], tenantRows: 0, lookUps: 0 });
function counter() {
  let counted = nothing();
  const count = ({ name }: Statement, { rows }: DatabaseAnswer): void => {
    counted.statements.push(name);
    if (name === "token_issuers.read") counted.lookUps += 1;
    else if (!name.startsWith("app.bind")) counted.tenantRows += rows.length;
  };
  const wrap = (transport: Transport): Transport => ({
    async batch(statements) {
      const answers = await transport.batch(statements);
      for (const [at, answer] of answers.entries()) count(statements[at] as Statement, answer);
      return answers;
    },
    transaction: (work) =>
      transport.transaction((run) =>
        work(async (statement) => {
          const answer = await run(statement);
          count(statement, answer);
          return answer;
        }),
      ),
  });
  const taken = (): Asked => {
    const before = counted;
    counted = nothing();
    return before;
  };
  return { wrap, taken };
}

const subject = "lead-sync";
export const scopesOfTests = ["sellers:read", "sellers:write", "leads:read"];

/** Registers it through the API, as its owner does. */
export async function registered(org: Caller, signer: Signer, more: Json = {}): Promise<TestIssuer> {
  const issuer = "https://crm.acme-solar.com";
  const source = signer.secret === null ? { public_key: signer.jwk } : { secret: signer.secret };
  const body = { name: "CRM", issuer, alg: signer.alg, scopes: scopesOfTests, ...source, ...more };
  const made = await org.post("/v1/token_issuers", body);
  if (made.status !== 201) throw new Error(made.text);
  const keyId = (body as { public_key?: { kid?: string } }).public_key?.kid ?? null;
  return { id: made.json.id, audience: made.json.audience, issuer, subject, signer, keyId };
}

function smallRsa(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  return { ...signerOf("RS256"), publicKey, privateKey, jwk: publicKey.export({ format: "jwk" }) as Json };
}

export async function openTokenGround(): Promise<TokenGround> {
  const provider = await startIdentityProvider();
  const clock = { now: realNow };
  const keyring = await importKeyring({ V1: Buffer.alloc(32, 5).toString("base64") }, "V1");
  const ownOrigins = ["https://api.dialgate.test", "https://simulator.dialgate.com"];
  const held = { issuers: knownIssuers() };
  const { wrap, taken } = counter();
  const api = await openApi(
    {
      now: () => clock.now,
      tokenKeys: tokenKeys({ keyring, fetch: (url, init) => provider.fetch(url, init), ownOrigins }),
      knownIssuers: {
        get: (id, now) => held.issuers.get(id, now),
        keep: (issuer, now) => held.issuers.keep(issuer, now),
        forget: (id) => held.issuers.forget(id),
      },
    },
    undefined,
    wrap,
  );
  const [org, other] = [await api.seed(), await api.seed({ name: "Borealis" })];
  for (const one of [org, other]) await one.post("/v1/sellers", { registered_name: "Acme Solar LLC" });

  const setKeys = {
    encryption: signerOf("RS256"),
    other: signerOf("ES256"),
    twice: signerOf("RS256"),
    again: signerOf("RS256"),
    told: signerOf("RS256"),
    small: smallRsa(),
  };
  const setSigner = signerOf("RS256");
  provider.keys = [
    { ...setSigner.jwk, kid: "a", use: "sig", alg: "RS256" },
    { ...setKeys.encryption.jwk, kid: "for-encryption", use: "enc" },
    { ...setKeys.other.jwk, kid: "of-another-kind" },
    { ...setKeys.twice.jwk, kid: "twice" },
    { ...setKeys.again.jwk, kid: "twice" },
    { ...(setKeys.told.privateKey?.export({ format: "jwk" }) as Json), kid: "told" },
    { ...setKeys.small.jwk, kid: "small" },
    { ...signerOf("RS256").jwk },
    "no key at all" as never,
  ]; // prettier-ignore
  const rsa = signerOf("RS256");
  const issuers = {
    EdDSA: await registered(org, signerOf("EdDSA")),
    ES256: await registered(org, signerOf("ES256")),
    RS256: await registered(org, rsa, { public_key: { ...rsa.jwk, kid: "rsa-1" } }),
    HS256: await registered(org, signerOf("HS256")),
    set: {
      ...(await registered(org, setSigner, { public_key: undefined, jwks_url: provider.url, subjects: [subject, "another"] })),
      keyId: "a",
    },
  };
  const ended = {
    revoked: await registered(org, signerOf("EdDSA")),
    expired: await registered(org, signerOf("EdDSA"), { expires_at: addSeconds(realNow, 60) }),
  };
  await org.delete(`/v1/token_issuers/${ended.revoked.id}`);
  await api.db.admin("update token_issuers set expires_at = $2 where id = $1", [
    uuidOf("tokenIssuer", ended.expired.id),
    realNow,
  ]);
  return {
    api,
    origin: api.deps.publicOrigin,
    now: secondsOf(realNow),
    org,
    other,
    issuers,
    ended,
    foreign: await registered(other, signerOf("EdDSA")),
    setKeys,
    asked: taken,
    forgetIssuers: () => void (held.issuers = knownIssuers()),
    identityProvider: provider,
    clock: (now) => void (clock.now = now),
    async close() {
      await api.close();
      await provider.close();
    },
  };
}
