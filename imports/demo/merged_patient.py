"""A patient of the demo clinic who was registered twice: the second record is merged into the first."""

import asyncpg

from domain.normal_forms import normal_key

_MRN = "REG-0002"
# The patient with most cases, under a number of another reception desk.
_REGISTER = """insert into patients (clinic_id, id, mrn, mrn_key, first_name, last_name, sort_name, birth_date)
    select p.clinic_id, gen_random_uuid(), $1, $2, p.first_name, p.last_name, p.sort_name, p.birth_date from patients p
    where p.id = (select c.patient_id from cases c join clinics k on k.clinic_id = c.clinic_id and k.short_name = 'demo'
        group by 1 order by count(*) desc, 1 limit 1)
    returning clinic_id, id"""
_MERGE = """insert into merges (clinic_id, id, merged_patient_id, surviving_patient_id, reason, merged_by, merged_at, before)
    select m.clinic_id, gen_random_uuid(), m.id, p.id, 'Registered twice, at two reception desks', u.id, now(), json_build_object(
        'counts', json_build_object(m.id::text, '{}'::json, p.id::text, json_build_object(
            'cases', (select count(*) from cases c where (c.clinic_id, c.patient_id) = (p.clinic_id, p.id)),
            'payers', (select count(*) from payers y where (y.clinic_id, y.patient_id) = (p.clinic_id, p.id)))),
        'across', 0, 'record', json_build_object('mrn', p.mrn, 'first_name', p.first_name, 'last_name', p.last_name, 'email', p.email,
            'phone', p.phone, 'address', p.address, 'birth_date', p.birth_date))
    from patients m join patients p on p.clinic_id = m.clinic_id and p.sort_name = m.sort_name and p.id <> m.id
        and p.birth_date is not distinct from m.birth_date
    left join users u on u.clinic_id = m.clinic_id and u.email = 'admin@demo.example'
    where m.clinic_id = $1 and m.id = $2 order by p.id limit 1"""


async def merge_patient_registered_twice(connection: asyncpg.Connection) -> None:
    """Register a patient once more, and merge the new record into the old one; on the owner's connection."""
    async with connection.transaction():
        made = await connection.fetchrow(_REGISTER, _MRN, normal_key(_MRN))
        assert made is not None, "the demo clinic has cases"
        await connection.execute(_MERGE, made["clinic_id"], made["id"])
