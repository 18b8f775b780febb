import { loggedWarning } from '../database/connection/opening.ts'

/** How far the ids of events move on: by more than a standby or a backup can lack. */
export const skippedIds = 1_000_000

/** The name of the setting that says which database the ids of events belong to. */
export const originSetting = 'event_origin'

/**
 * The statement with which a new connection moves the ids of events on, where the timeline is another one than at the last move. After a
 * failover every connection is new, so no call writes an event before. It reads one row where nothing has changed, and fails with `25006`
 * on a standby: when the standby is promoted, its sessions would go on without a look.
 * @param schema the quoted name of the schema of the tables
 */
export function moveIdsOnConnect(schema: string): string {
  const table = `'${doubled(`${schema}.job_events`)}'`
  const body = `
    declare
      origin jsonb;
      timeline text;
      ids regclass;
      moved record;
    begin
      perform pg_catalog.set_config('search_path', 'pg_catalog', true);
      if pg_is_in_recovery() then
        raise exception using errcode = '25006', message = 'a standby serves no calls';
      end if;
      timeline := substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8);
      perform from ${schema}.jobsctl_settings where name = '${originSetting}' and value::jsonb ->> 'timeline' <> timeline;
      if not found then return; end if;
      -- Other sessions that have seen the same change wait here, and find it done.
      select value::jsonb into origin
      from ${schema}.jobsctl_settings
      where name = '${originSetting}' and value::jsonb ->> 'timeline' <> timeline
      for update;
      if not found then return; end if;
      update ${schema}.jobsctl_settings
      set value = (origin || jsonb_build_object('timeline', timeline))::text
      where name = '${originSetting}';
      ids := pg_get_serial_sequence(${table}, 'id');
      if ids is null then return; end if;
      with kept as materialized (select coalesce(max(id), 0) as last_id from ${schema}.job_events)
      select last_id, setval(ids, greatest(nextval(ids), last_id + 1) + ${skippedIds}, false) as first_id into moved from kept;
      insert into ${schema}.job_events (event_type, attrs_json)
      values ('log.moved', to_jsonb(moved) || '{"why": "another timeline"}');
      raise warning using errcode = '${loggedWarning}',
        message = format('another timeline: ids of events go on at %s, after %s', moved.first_id, moved.last_id);
    end`
  return `do '${doubled(body)}'`
}

const doubled = (text: string): string => text.replaceAll("'", "''")
