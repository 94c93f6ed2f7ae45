import type { Policy } from "./quotas.ts";

/** What a bucket answers to one request. */
export interface Taken {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until there is room for more than `remaining`; after a refusal, until the next is admitted. */
  readonly resetSeconds: number;
  /** True once in an hour, at the request by which a bucket that watches it passes ten times its usual rate. */
  readonly unusual: boolean;
}

/**
 * The exact counters. One bucket is one name, as `address:203.0.113.7`, and belongs to one policy. `null`: it could not be
 * asked, and the caller decides what that means.
 */
export interface RateLimits {
  take(bucket: string, policy: Policy): Promise<Taken | null>;
}

/** The platform's own limit against floods: by its location, approximate, and cheap enough to be asked first. `null`: no answer. */
export type Flood = (door: "api" | "webhooks", address: string) => Promise<boolean | null>;
