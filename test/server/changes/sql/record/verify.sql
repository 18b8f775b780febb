with
  witnessed as materialized (
    select
      attrs_json ->> 'operation' as operation, attrs_json ->> 'day' as day, attrs_json ->> 'hash' as hash,
      attrs_json ->> 'version' as version, attrs_json ->> 'seal' as seal
    from job_events
    where event_type = 'operation.sealed' and attrs_json ->> 'operation' is not null
  ),
  checked as (
    select
      day,
      id,
      number,
      hash,
      hash is distinct from encode(
        sha256(
          convert_to(
            coalesce(
              lag(hash) over (partition by day order by number),
              (select previous from job_operation_days d where d.day = o.day),
              '?'
            ) || jsonb_build_array(
              id,
              kind,
              domain,
              queue,
              job_type,
              filters,
              to_char(as_of at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC'),
              seen,
              caller,
              reason,
              request_id,
              idempotency_key,
              request_hash,
              preview_id,
              previewed,
              affected,
              skipped_locked,
              batches,
              counts,
              answer,
              error,
              to_char(started_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC'),
              to_char(ended_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC'),
              undoes,
              ended_as,
              day,
              number
            )::text,
            'UTF8'
          )
        ),
        'hex'
      )
      or number is distinct from row_number() over (partition by day order by number)
      or id in (
        select id
        from job_operations
        join (select operation_id, version, hash as seal from jobsctl_seals) as seals on operation_id = id
        where
          version = 2
          and seal <> encode(
            sha256(
              convert_to(jsonb_build_array(hash, to_char(touched_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC'))::text, 'UTF8')
            ),
            'hex'
          )
      )
      or id::text in (
        select operation
        from witnessed
        join job_operations on job_operations.id::text = operation
        left join jobsctl_seals seals on seals.operation_id = job_operations.id
        where
          (witnessed.hash, witnessed.version, witnessed.seal) is distinct from (job_operations.hash, seals.version::text, seals.hash)
      )
      or not (
        (
          state = ended_as
          and undone_by is null
          and (
            state = 'failed'
            or o.id <> all(array(select undoes from job_operations where undoes is not null and affected > 0 and hash is not null))
          )
        )
        or (
          state = 'undone'
          and exists (
            select
            from job_operations undo
            where undo.id = o.undone_by and undo.undoes = o.id and undo.hash is not null
          )
        )
      ) as broken
    from job_operations o
    where state <> 'running'
  ),
  days as (
    select days.day, length, head, previous, lag(head) over (order by days.day) as before
    from job_operation_days days
  ),
  by_day as (
    select
      day,
      count(*) as operations,
      coalesce(jsonb_agg(id order by id) filter (where broken), '[]') as broken,
      (array_agg(hash order by number desc))[1] as last
    from checked
    group by day
  ),
  lost as (
    select day, count(distinct operation) as missing
    from witnessed
    left join (
      select day as first_day, previous from job_operation_days order by day limit 1
    ) as first on true
    where
      not exists (select from job_operations where job_operations.id::text = operation)
      and (day >= first_day::text or coalesce(previous, '') = '')
    group by day
  )
select
  coalesce(days.day::text, by_day.day::text, lost.day, 'unsealed') as day,
  coalesce(operations, 0) as operations,
  coalesce(broken, '[]') as broken,
  greatest(coalesce(length, 0) - coalesce(operations, 0), coalesce(lost.missing, 0), 0)
  -- A day that does not begin with the head of the day before, or does not end with its own head, lacks a record.
  + case when before is distinct from previous and before is not null then 1 else 0 end + case when operations > length then 1 else 0 end + case when operations = length and head is distinct from last then 1 else 0 end as missing
from days
full join by_day on by_day.day = days.day
full join lost on lost.day = coalesce(days.day, by_day.day)::text
order by day
