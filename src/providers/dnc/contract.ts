import type { Instant } from "../../lib/instant.ts";

export interface DncQuery {
  /** The scrub's id, sent as request id and Idempotency-Key. */
  readonly requestId: string;
  /** The org's own instant (a test org's may be any): a list dated after it is `unknown`. */
  readonly at: Instant;
  readonly sellerSan: string | null;
  readonly numbers: readonly {
    readonly id: string;
    readonly e164: string;
    readonly state: string | null;
    readonly consentAt: Instant | null;
  }[];
  /** `national`, `state:FL`, `litigator`, `wireless` … as gates.md §4 names them. */
  readonly lists: readonly string[];
}

export interface DncListAnswer {
  readonly list: string;
  readonly result: "clear" | "listed" | "unknown";
  /** First instant on earth of the list's version; null when the vendor stated none, or one in the future. */
  readonly listVersionAt: Instant | null;
  readonly reason: string | null;
}
export interface DncNumberAnswer {
  readonly id: string;
  readonly lists: readonly DncListAnswer[];
  readonly lineType: "mobile" | "landline" | "voip" | "unknown";
}

/** Every requested number is answered, every requested list too: what the vendor did not say is `unknown`. */
export type DncAnswer =
  | {
      readonly kind: "answered";
      readonly numbers: readonly DncNumberAnswer[];
      readonly providerRef: string | null;
      readonly responseDigest: string;
    }
  | {
      readonly kind: "failed";
      readonly reason: "unauthorized" | "rate_limited" | "timeout" | "unavailable" | "malformed" | "unsigned";
      readonly retryAfterSeconds: number | null;
    };

/** One source of do-not-call answers. At most 1,000 numbers a call; throws nothing. */
export interface DncProvider {
  readonly vendor: "http_dnc";
  check(query: DncQuery): Promise<DncAnswer>;
}
