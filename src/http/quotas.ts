import type { Quota } from "../lib/sliding-window.ts";

/** One row of the table of quotas: what is counted together, and how much of it is served. */
export interface Policy extends Quota {
  /** As the `RateLimit` headers name it. */
  readonly name: PolicyName;
  /** Whether the bucket learns what is usual and says when it is passed ten times over. */
  readonly watchesUsual: boolean;
}

/** Requests in seconds. docs/rate-limits.md says what each is for, and the API's document shows those of this deployment. */
const table = {
  key: [6_000, 60],
  issuer: [6_000, 60],
  user: [1_200, 60],
  address: [12_000, 60],
  // Of sign-in: asking for a link, a code, a recovery code.
  challenge: [5, 900],
  challenge_address: [50, 900],
  challenge_known: [50, 900],
  challenge_mail: [10, 3_600],
  challenge_code: [30, 86_400],
  // Counted by the database, with what they count: invitations (domain/invitations/create-invitation.ts).
  invitation_address: [5, 86_400],
  invitation_inviter: [100, 86_400],
  invitation_org: [100, 86_400],
} as const satisfies Record<string, readonly [limit: number, windowSeconds: number]>;
export type PolicyName = keyof typeof table;
export type Quotas = Readonly<Record<PolicyName, Policy>>;

/** What a deployment may set otherwise. */
export interface QuotaSettings {
  readonly RATE_LIMIT_KEY_PER_MINUTE?: number | undefined;
  readonly RATE_LIMIT_ADDRESS_PER_MINUTE?: number | undefined;
}

export function quotasOf(settings: QuotaSettings = {}): Quotas {
  const set: Partial<Record<PolicyName, number | undefined>> = {
    // A token issuer is a machine like a key, and is given what a key is.
    key: settings.RATE_LIMIT_KEY_PER_MINUTE,
    issuer: settings.RATE_LIMIT_KEY_PER_MINUTE,
    address: settings.RATE_LIMIT_ADDRESS_PER_MINUTE,
  };
  const names = Object.keys(table) as PolicyName[];
  return Object.fromEntries(
    names.map((name) => {
      const [limit, windowSeconds] = table[name];
      return [name, { name, limit: set[name] ?? limit, windowSeconds, watchesUsual: name === "key" || name === "issuer" }];
    }),
  ) as Record<PolicyName, Policy>;
}
