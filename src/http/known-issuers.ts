import type { KnownIssuers, SigningIssuer } from "../domain/token-issuers/verify-token.ts";
import { addSeconds, type Instant } from "../lib/instant.ts";

const issuersMax = 1_000;
const rememberedSeconds = 60;

/** What an isolate remembers of who signs tokens: its worker holds one for as long as it lives. */
export function knownIssuers(): KnownIssuers {
  const known = new Map<string, { readonly issuer: SigningIssuer; readonly until: Instant }>();
  return {
    get(id, now) {
      const found = known.get(id);
      return found !== undefined && now < found.until ? found.issuer : null;
    },
    keep(issuer, now) {
      // Only issuers whose tokens were proved come in, so that nobody else can push them out. The oldest goes first.
      known.delete(issuer.id);
      for (const [oldest] of known) if (known.size >= issuersMax) known.delete(oldest);
      known.set(issuer.id, { issuer, until: addSeconds(now, rememberedSeconds) });
    },
    forget: (id) => void known.delete(id),
  };
}
