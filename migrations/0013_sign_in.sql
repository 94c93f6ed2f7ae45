-- Signing in by a link in a mail. None of it belongs to an org, and the real clock rules all of it. Whoever completes a link has
-- proved that they read the address: signing in is signing up, so that nothing is looked up when a link is asked for.

-- One a browser and address: who asks again gets another link, and the one before is gone.
create table sign_in_links (
  -- In its normal form (src/lib/email-address.ts).
  email text not null check (email = lower(email) and octet_length(email) between 3 and 320),
  -- SHA-256 of what the asking browser keeps in a cookie, and of what the mail's link carries: 256 random bits each, for which a
  -- plain digest is enough (ASVS 6.5.2).
  verifier_hash bytea not null check (octet_length(verifier_hash) = 32),
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  -- The code that another browser shows has 40 bits: its digest is under a key that the database never sees.
  relay_hash bytea not null check (octet_length(relay_hash) = 32),
  relay_tries integer not null default 0,
  next_path text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz,
  primary key (email, verifier_hash),
  constraint sign_in_links_are_short check (expires_at <= created_at + interval '15 minutes'),
  constraint sign_in_links_tries check (relay_tries between 0 and 5)
);
create index sign_in_links_of_browser on sign_in_links (verifier_hash);
create index sign_in_links_by_end on sign_in_links (expires_at);
grant select, insert, delete, update (token_hash, relay_hash, relay_tries, next_path, created_at, expires_at, consumed_at)
  on sign_in_links to dialgate_app;
call app.classify('sign_in_links', account => 'email', secret => 'verifier_hash token_hash relay_hash',
  system => 'relay_tries next_path created_at expires_at consumed_at');

-- The latest failed attempts by address, whether or not it is anyone's account.
create table sign_in_failures (
  email text primary key check (email = lower(email)),
  -- Oldest first, and no more of them than the alarm counts.
  recent timestamptz[] not null,
  last_at timestamptz not null,
  alerted_at timestamptz
);
create index sign_in_failures_by_last on sign_in_failures (last_at);
grant select, insert, delete, update (recent, last_at, alerted_at) on sign_in_failures to dialgate_app;
call app.classify('sign_in_failures', account => 'email', system => 'recent last_at alerted_at');

-- The browsers that a person has signed in with, and from which countries. It lets nobody in: it tells what is new.
create table known_devices (
  id uuid primary key,
  user_id uuid not null references users (id),
  -- SHA-256 of 256 random bits in the browser's cookie.
  device_hash bytea not null check (octet_length(device_hash) = 32),
  countries text[] not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- When the person last showed a second factor in it; null = never: then whoever is in it has shown that they read their mail.
  factor_at timestamptz,
  unique (user_id, device_hash)
);
create index known_devices_by_hash on known_devices (device_hash);
grant select, insert, delete, update (countries, last_seen_at, factor_at) on known_devices to dialgate_app;
call app.classify('known_devices', account => 'countries', secret => 'device_hash', system => 'id user_id first_seen_at last_seen_at factor_at');

-- Whoever has proved an address: their account, made now if there is none, and what is new about where they come from. Nothing
-- is new at a first sign-in. `disabled`: nothing was written, and nobody enters.
create function app.admit_person(new_user uuid, new_device uuid, of_email text, of_device bytea, from_country text, real_now timestamptz)
  returns table (user_id uuid, is_new boolean, disabled boolean, device_id uuid, device_is_new boolean, country_is_new boolean)
  volatile language plpgsql as $$
declare held record; seen record;
begin
  insert into public.users (id, email, created_at) values (new_user, of_email, real_now) on conflict (email) do nothing;
  select u.id, u.last_sign_in_at, u.disabled_at into held from public.users u where u.email = of_email order by u.id for no key update;
  if held.disabled_at is not null then
    return query select held.id, false, true, null::uuid, false, false;
    return;
  end if;
  update public.users u set last_sign_in_at = real_now where u.id = held.id;
  -- As long as the cookie lives, and some days.
  delete from public.known_devices d where d.user_id = held.id and d.last_seen_at < real_now - interval '400 days';
  select coalesce(bool_or(d.device_hash = of_device), false) as device,
      from_country is null or coalesce(bool_or(from_country = any (d.countries)), false)
        or not coalesce(bool_or(cardinality(d.countries) > 0), false) as country
    into seen from public.known_devices d where d.user_id = held.id;
  return query
    insert into public.known_devices as d (id, user_id, device_hash, countries, first_seen_at, last_seen_at)
      values (new_device, held.id, of_device, array_remove(array[from_country], null), real_now, real_now)
      on conflict on constraint known_devices_user_id_device_hash_key do update set last_seen_at = excluded.last_seen_at,
        countries = case when excluded.countries <@ d.countries then d.countries else d.countries || excluded.countries end
      returning held.id, held.id = new_user, false, d.id, held.last_sign_in_at is not null and not seen.device,
        held.last_sign_in_at is not null and not seen.country;
end $$;

-- Counts a failed attempt. `alert`: with this one there were `many` within the window, and nobody was told for as long as
-- `quiet_seconds`. The account, if the address is one's, is looked up each time, so that the work is the same for every address.
create function app.note_sign_in_failure(of_email text, real_now timestamptz, many integer, window_seconds integer, quiet_seconds integer)
  returns table (alert boolean, user_id uuid) volatile language plpgsql as $$
declare is_many boolean;
begin
  insert into public.sign_in_failures as f (email, recent, last_at) values (of_email, array[real_now], real_now)
    on conflict (email) do update set last_at = real_now,
      recent = (f.recent || real_now)[greatest(1, cardinality(f.recent) + 2 - many) : cardinality(f.recent) + 1];
  update public.sign_in_failures f set alerted_at = real_now
    where f.email = of_email and cardinality(f.recent) >= many and f.recent[1] > real_now - make_interval(secs => window_seconds)
      and (f.alerted_at is null or f.alerted_at <= real_now - make_interval(secs => quiet_seconds));
  is_many := found;
  return query select is_many, (select u.id from public.users u where u.email = of_email);
end $$;

revoke execute on function app.admit_person(uuid, uuid, text, bytea, text, timestamptz),
  app.note_sign_in_failure(text, timestamptz, integer, integer, integer) from public;
grant execute on function app.admit_person(uuid, uuid, text, bytea, text, timestamptz),
  app.note_sign_in_failure(text, timestamptz, integer, integer, integer) to dialgate_app;
