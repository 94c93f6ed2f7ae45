import { z } from "zod";

/** What `wrangler.toml` binds and what secrets add, before it is read. */
export type WorkerEnv = Readonly<Record<string, unknown>>;

const origin = z
  .string()
  .refine((text) => originOf(text) === text, { message: "an origin is needed: scheme and host, without a path" });
const versioned = z.string().transform((text, c) => {
  const byVersion = new Map<number, string>();
  for (const part of text.split(",")) {
    const match = /^([1-9]\d{0,3}):([A-Za-z0-9+/_-]{43,88}={0,2})$/.exec(part.trim());
    if (match === null || byVersion.has(Number(match[1]))) {
      c.addIssue({ code: "custom", message: "`1:base64,2:base64` is needed, each version once, keys of at least 32 bytes" });
      return z.NEVER;
    }
    byVersion.set(Number(match[1]), match[2] as string);
  }
  return byVersion as ReadonlyMap<number, string>;
});
/** A line that was left empty in `.dev.vars` is no value. */
const given = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === "" ? undefined : value), schema.optional());
/** "identifier:base64,…", as GitHub publishes them. */
const leakKeys = z
  .string()
  .regex(/^[0-9a-f]{8,128}:[A-Za-z0-9+/]{80,400}={0,2}(,[0-9a-f]{8,128}:[A-Za-z0-9+/]{80,400}={0,2})*$/, {
    message: "`identifier:base64` is needed, by commas: GitHub's public keys without their PEM lines",
  })
  .transform((text): ReadonlyMap<string, string> => new Map(text.split(",").map((key) => key.split(":") as [string, string])));
/** `tenant:domain,tenant:domain`. */
const tenantDomains = z.string().transform((text, c) => {
  const byTenant = new Map<string, Set<string>>();
  for (const part of text.split(",")) {
    const match = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):((?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})$/.exec(part.trim());
    // Personal accounts' tenant is nobody's: no administrator answers for an address in it.
    if (match === null || match[1] === "9188040d-6c67-4c5b-b112-36a304b66dad") {
      c.addIssue({
        code: "custom",
        message: "`tenant:domain,tenant:domain` is needed: an organisation's tenant id and a domain of its own, in lower case",
      });
      return z.NEVER;
    }
    const [, tenant = "", domain = ""] = match;
    byTenant.set(tenant, (byTenant.get(tenant) ?? new Set()).add(domain));
  }
  return byTenant as ReadonlyMap<string, ReadonlySet<string>>;
});
const visible = z.string().regex(/^[\x21-\x7e]{8,500}$/, "visible ASCII characters are needed");
const base64 = z.string().regex(/^[A-Za-z0-9+/_-]{43,88}={0,2}$/, "base64 of at least 32 bytes is needed");
const queue = z.custom<QueueBinding>((value) => hasMethods(value, "send", "sendBatch"), "a queue is to be bound");
const object = z.custom<ObjectBinding>((value) => hasMethods(value, "idFromName", "get"), "a Durable Object is to be bound");
const flood = z.custom<FloodBinding>((value) => hasMethods(value, "limit"), "a rate limit is to be bound");
const perMinute = z
  .string()
  .regex(/^[1-9]\d{0,6}$/, "a whole number of requests is needed, 1 to 9999999")
  .transform(Number)
  .optional();
const bucket = z.custom<BucketBinding>(
  (value) => hasMethods(value, "put", "get", "head", "delete"),
  "an R2 bucket is to be bound",
);

const variables = z
  .object({
    ENVIRONMENT: z.enum(["production", "development"]),
    DATABASE_URL: z
      .string()
      .regex(/^postgres(ql)?:\/\/[^:@/]+:[^@/]*@[^/]+\/[^/]+$/, "postgres://user:password@host/database is needed"),
    NEON_LOCAL_ENDPOINT: z
      .string()
      .regex(/^(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}$/, "host:port of this machine is needed")
      .optional(),
    PUBLIC_ORIGIN: origin,
    SIMULATOR_ORIGIN: origin,
    NUMBER_PEPPERS: versioned,
    KEY_ENCRYPTION_KEYS: versioned,
    API_KEY_PEPPER: base64,
    RESEND_API_KEY: given(z.string().regex(/^[\x21-\x7e]{8,200}$/, "visible ASCII characters are needed")),
    MAIL_FROM: given(
      z
        .string()
        .regex(
          /^([^\s@<>]+@[^\s@<>]+\.[^\s@<>]+|[^\r\n@<>"]{1,100} <[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+>)$/,
          "an address or `Name <address>` is needed",
        ),
    ),
    RESEND_ORIGIN: given(origin),
    GITHUB_LEAK_KEYS: given(leakKeys),
    MAGIC_LINK_TTL_MINUTES: given(
      z
        .string()
        .regex(/^([1-9]|1[0-5])$/, "whole minutes are needed, 1 to 15")
        .transform(Number),
    ),
    GOOGLE_CLIENT_ID: given(visible),
    GOOGLE_CLIENT_SECRET: given(visible),
    MICROSOFT_CLIENT_ID: given(visible),
    MICROSOFT_CLIENT_SECRET: given(visible),
    MICROSOFT_TENANT_DOMAINS: given(tenantDomains),
    OIDC_ORIGIN: given(origin),
    DIAL_QUEUE: queue,
    IMPORT_QUEUE: queue,
    INBOX_QUEUE: queue,
    OUTBOX_QUEUE: queue,
    CLOCK_QUEUE: queue,
    UPLOADS: bucket,
    RATE_LIMITER: object,
    FLOOD: flood,
    WEBHOOK_FLOOD: flood,
    RATE_LIMIT_KEY_PER_MINUTE: perMinute,
    RATE_LIMIT_ADDRESS_PER_MINUTE: perMinute,
  })
  .superRefine((env, c) => {
    const refuse = (name: string, message: string) => c.addIssue({ code: "custom", path: [name], message });
    for (const vendor of ["GOOGLE", "MICROSOFT"] as const) {
      const [id, secret] = [`${vendor}_CLIENT_ID`, `${vendor}_CLIENT_SECRET`] as const;
      if ((env[id] === undefined) !== (env[secret] === undefined))
        refuse(env[id] === undefined ? id : secret, "the other of the pair is set: both are needed, or neither");
    }
    if (env.ENVIRONMENT === "production") {
      if (env.NEON_LOCAL_ENDPOINT !== undefined) refuse("NEON_LOCAL_ENDPOINT", "production has none");
      // Whoever is there says who anyone is.
      if (env.OIDC_ORIGIN !== undefined) refuse("OIDC_ORIGIN", "production has none: Google and Microsoft themselves are asked");
      for (const name of ["PUBLIC_ORIGIN", "SIMULATOR_ORIGIN"] as const) {
        if (!isPublicHttps(env[name])) refuse(name, "production takes https, and no address of this machine");
      }
      if (env.RESEND_ORIGIN !== undefined && !isPublicHttps(env.RESEND_ORIGIN))
        refuse("RESEND_ORIGIN", "production takes https, and no address of this machine");
      for (const name of ["RESEND_API_KEY", "MAIL_FROM"] as const)
        if (env[name] === undefined) refuse(name, "production sends mail, and needs it");
      return;
    }
    for (const name of ["SIMULATOR_ORIGIN", "RESEND_ORIGIN", "OIDC_ORIGIN"] as const) {
      const given = env[name];
      if (given !== undefined && !isPublicHttps(given) && !isLoopback(given))
        refuse(name, "http is for addresses of this machine only");
    }
  })
  .transform((env) => ({
    ...env,
    // Mail holds tokens: in development it goes to the simulators unless someone says where else.
    RESEND_ORIGIN: env.RESEND_ORIGIN ?? (env.ENVIRONMENT === "production" ? "https://api.resend.com" : env.SIMULATOR_ORIGIN),
    RESEND_API_KEY: env.RESEND_API_KEY ?? "re_development",
    MAGIC_LINK_TTL_MINUTES: env.MAGIC_LINK_TTL_MINUTES ?? 15,
    MAIL_FROM: env.MAIL_FROM ?? "Dialgate <mail@dialgate.example>",
  }));
export type Env = z.infer<typeof variables>;

export interface QueueBinding {
  send(body: unknown, options?: { delaySeconds?: number }): Promise<unknown>;
  sendBatch(messages: Iterable<{ body: unknown; delaySeconds?: number }>): Promise<unknown>;
}
interface ObjectBinding {
  idFromName(name: string): unknown;
  get(id: never): { fetch(url: string, init: RequestInit): Promise<Response> };
}
interface FloodBinding {
  limit(options: { key: string }): Promise<{ readonly success: boolean }>;
}
interface BucketBinding {
  put(key: string, value: ReadableStream | Uint8Array | string, options?: unknown): Promise<unknown>;
  get(
    key: string,
    options?: { range?: { offset: number; length?: number } },
  ): Promise<{ readonly body: ReadableStream; readonly size: number } | null>;
  head(key: string): Promise<{ readonly size: number } | null>;
  delete(key: string): Promise<void>;
}

/** @throws naming each variable that is missing or wrong, and never a value: secrets are among them. */
export function parseEnv(env: WorkerEnv): Env {
  const result = variables.safeParse(env);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join(".")}: ${wordsOf(issue)}`);
  throw new Error(`the worker's environment is not complete: ${[...new Set(faults)].join("; ")}`);
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return `${issue.expected} is needed`;
  if (issue.code === "invalid_value") return `one of ${issue.values.join(", ")} is needed`;
  return issue.message;
}

function originOf(text: string): string | null {
  return URL.canParse(text) ? new URL(text).origin : null;
}
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const isLoopback = (text: string): boolean => loopback.test(new URL(text).hostname);
function isPublicHttps(text: string): boolean {
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" && !loopback.test(hostname) && hostname.includes(".") && !/^[\d.]+$|^\[/.test(hostname);
}

function hasMethods(value: unknown, ...names: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === "function")
  );
}
