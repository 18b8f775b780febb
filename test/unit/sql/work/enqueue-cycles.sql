with recursive
  request as materialized (
    select *
    from jsonb_to_recordset($1::text::jsonb) as job (domain text, queue text, job_type text, idempotency_key text, depends_on text[])
  ),
  requested_edge (uuid, needs) as materialized (
    select job.uuid, unnest(request.depends_on)
    from request
    cross join lateral (
      select uuid
      from jobs
      where
        jobs.domain = request.domain
        and jobs.queue = request.queue
        and jobs.job_type = request.job_type
        and jobs.idempotency_key = request.idempotency_key offset 0
    ) as job
  ),
  reached (uuid, needs) as (
    (
      select uuid, needs
      from requested_edge
      union
      select needed.uuid, edge.needs
      from (select distinct unnest(depends_on) as uuid from request) as needed
      cross join lateral (
        select needs
        from (
          select depends_on_job_uuid as needs
          from job_dependencies
          where job_uuid = needed.uuid
          union all
          select needs
          from requested_edge
          where requested_edge.uuid = needed.uuid
        ) as every
        where (select status from jobs where uuid = needed.uuid) <> 'completed' offset 0
      ) as edge
    ) union select reached.uuid,
    edge.needs from reached cross join lateral (
      select needs
      from (
        select depends_on_job_uuid as needs
        from job_dependencies
        where job_uuid = reached.needs
        union all
        select needs
        from requested_edge
        where requested_edge.uuid = reached.needs
      ) as every
      where (select status from jobs where uuid = reached.needs) <> 'completed' offset 0
    ) as edge
  )
select distinct uuid
from (select * from reached limit $2) as near
where needs = uuid
limit 10
