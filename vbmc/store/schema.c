#include "vbmc/store/schema.h"

#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/store/sql.h"

/* Step N makes version N + 1 out of version N. A step that was released is never edited: a change
 * is a new step at the end. */
static const char *const steps[] = {
    "CREATE TABLE bmcs ("
    " uuid BLOB PRIMARY KEY CHECK (length(uuid) = 16),"
    " name TEXT,"
    " is_explicit INTEGER NOT NULL,"
    " active INTEGER NOT NULL,"
    " deleted INTEGER NOT NULL,"
    " changed_at INTEGER NOT NULL,"
    " address TEXT,"
    " port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),"
    " username TEXT,"
    " password TEXT,"
    " uri TEXT,"
    " sasl_username TEXT,"
    " sasl_password TEXT"
    ") WITHOUT ROWID;"
    "CREATE TABLE chassis ("
    " uuid BLOB PRIMARY KEY CHECK (length(uuid) = 16),"
    " restore_policy INTEGER NOT NULL CHECK (restore_policy BETWEEN 0 AND 255),"
    " cycle_interval_s INTEGER NOT NULL CHECK (cycle_interval_s BETWEEN 0 AND 255),"
    " poh_minutes INTEGER NOT NULL CHECK (poh_minutes BETWEEN 0 AND 4294967295),"
    " was_on INTEGER NOT NULL,"
    " restart_cause INTEGER NOT NULL CHECK (restart_cause BETWEEN 0 AND 255)"
    ") WITHOUT ROWID;"
    "CREATE TABLE boot ("
    " uuid BLOB PRIMARY KEY CHECK (length(uuid) = 16),"
    " valid_bit_clearing INTEGER NOT NULL CHECK (valid_bit_clearing BETWEEN 0 AND 255),"
    " info_acknowledge INTEGER NOT NULL CHECK (info_acknowledge BETWEEN 0 AND 255),"
    " flags BLOB NOT NULL CHECK (length(flags) = 5),"
    " initiator BLOB NOT NULL CHECK (length(initiator) = 9),"
    " mailbox BLOB NOT NULL CHECK (length(mailbox) = 80),"
    " live TEXT,"
    " stored TEXT"
    ") WITHOUT ROWID;",
    "CREATE TABLE host (id INTEGER PRIMARY KEY CHECK (id = 1), boot_id TEXT NOT NULL);",
    "CREATE TABLE sol ("
    " uuid BLOB PRIMARY KEY CHECK (length(uuid) = 16),"
    " enable INTEGER NOT NULL CHECK (enable BETWEEN 0 AND 255),"
    " authentication INTEGER NOT NULL CHECK (authentication BETWEEN 0 AND 255),"
    " accumulate BLOB NOT NULL CHECK (length(accumulate) = 2),"
    " retry BLOB NOT NULL CHECK (length(retry) = 2),"
    " bit_rate INTEGER NOT NULL CHECK (bit_rate BETWEEN 0 AND 255),"
    " denied BLOB NOT NULL CHECK (length(denied) = 240)"
    ") WITHOUT ROWID;",
    "CREATE TABLE sel ("
    " uuid BLOB NOT NULL CHECK (length(uuid) = 16),"
    " sequence INTEGER NOT NULL CHECK (sequence > 0),"
    " record BLOB NOT NULL CHECK (length(record) = 16),"
    " PRIMARY KEY (uuid, sequence)"
    ") WITHOUT ROWID;"
    "CREATE TABLE sel_state ("
    " uuid BLOB PRIMARY KEY CHECK (length(uuid) = 16),"
    " next_id INTEGER NOT NULL CHECK (next_id BETWEEN 1 AND 65534),"
    " added_at INTEGER NOT NULL CHECK (added_at BETWEEN 0 AND 4294967295),"
    " erased_at INTEGER NOT NULL CHECK (erased_at BETWEEN 0 AND 4294967295),"
    " clock_offset_s INTEGER NOT NULL,"
    " utc_offset_min INTEGER NOT NULL CHECK (utc_offset_min BETWEEN -1440 AND 2047),"
    " overflow INTEGER NOT NULL,"
    " last_by_software INTEGER NOT NULL CHECK (last_by_software BETWEEN 0 AND 65535),"
    " last_by_bmc INTEGER NOT NULL CHECK (last_by_bmc BETWEEN 0 AND 65535)"
    ") WITHOUT ROWID;",
    "CREATE TABLE documents ("
    " uuid BLOB NOT NULL CHECK (length(uuid) = 16),"
    " name TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " PRIMARY KEY (uuid, name)"
    ") WITHOUT ROWID;"
    "ALTER TABLE chassis ADD COLUMN boots INTEGER NOT NULL DEFAULT 0"
    " CHECK (boots BETWEEN 0 AND 4294967295);",
    "ALTER TABLE boot ADD COLUMN service_partition INTEGER NOT NULL DEFAULT 0"
    " CHECK (service_partition BETWEEN 0 AND 255);"
    "ALTER TABLE boot ADD COLUMN service_partition_scan INTEGER NOT NULL DEFAULT 0"
    " CHECK (service_partition_scan BETWEEN 0 AND 255);"
    "ALTER TABLE boot ADD COLUMN locked INTEGER NOT NULL DEFAULT 0"
    " CHECK (locked BETWEEN 0 AND 255);",
    "CREATE TABLE placement ("
    " uuid BLOB NOT NULL CHECK (length(uuid) = 16),"
    " uri TEXT NOT NULL,"
    " listed INTEGER NOT NULL,"
    " fact INTEGER NOT NULL CHECK (fact BETWEEN 0 AND 255),"
    " PRIMARY KEY (uuid, uri)"
    ") WITHOUT ROWID;"
    "CREATE TABLE dead_hypervisors (uri TEXT PRIMARY KEY) WITHOUT ROWID;",
    "CREATE TABLE owed ("
    " uuid BLOB NOT NULL CHECK (length(uuid) = 16),"
    " position INTEGER NOT NULL CHECK (position >= 0),"
    " action INTEGER NOT NULL CHECK (action BETWEEN 0 AND 5),"
    " cause INTEGER NOT NULL CHECK (cause BETWEEN 0 AND 15),"
    " begun INTEGER NOT NULL,"
    " run INTEGER NOT NULL,"
    " at INTEGER NOT NULL,"
    " PRIMARY KEY (uuid, position)"
    ") WITHOUT ROWID;",
    "ALTER TABLE chassis ADD COLUMN run INTEGER NOT NULL DEFAULT -1;"
    "ALTER TABLE chassis ADD COLUMN started_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE chassis ADD COLUMN counted_at INTEGER NOT NULL DEFAULT 0;",
    ("ALTER TABLE chassis ADD COLUMN last_power_event INTEGER NOT NULL DEFAULT 0"
     " CHECK (last_power_event BETWEEN 0 AND 255);"),
    "ALTER TABLE owed ADD COLUMN place INTEGER NOT NULL DEFAULT 0;",
    "CREATE TABLE users ("
    " uuid BLOB NOT NULL CHECK (length(uuid) = 16),"
    " id INTEGER NOT NULL CHECK (id BETWEEN 1 AND 15),"
    " part INTEGER NOT NULL CHECK (part BETWEEN 0 AND 255),"
    " replaced BLOB NOT NULL CHECK (length(replaced) = 16),"
    " value BLOB NOT NULL CHECK (length(value) = 65),"
    " value_size INTEGER NOT NULL CHECK (value_size BETWEEN 0 AND 65),"
    " PRIMARY KEY (uuid, id, part)"
    ") WITHOUT ROWID;",
    ("ALTER TABLE chassis ADD COLUMN restore INTEGER NOT NULL DEFAULT 0"
     " CHECK (restore BETWEEN 0 AND 2);"),
    "CREATE TABLE audit ("
    " id INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " uuid BLOB CHECK (uuid IS NULL OR length(uuid) = 16),"
    " bmc TEXT NOT NULL,"
    " operation TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " user TEXT NOT NULL,"
    " way TEXT NOT NULL,"
    " address TEXT NOT NULL,"
    " pid INTEGER NOT NULL,"
    " session INTEGER NOT NULL,"
    " privilege TEXT NOT NULL,"
    " result INTEGER NOT NULL,"
    " outcome TEXT NOT NULL,"
    " more INTEGER NOT NULL,"
    " until INTEGER NOT NULL"
    ");"
    "CREATE INDEX audit_of_kind ON audit (kind, id);"
    "CREATE INDEX audit_of_bmc ON audit (uuid, id);",
    "ALTER TABLE chassis ADD COLUMN boot TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE chassis ADD COLUMN ahead_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE owed ADD COLUMN boot TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE owed ADD COLUMN ahead_ms INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE host ADD COLUMN machine TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE bmcs ADD COLUMN metadata TEXT;",
};

/* The tables that hold rows of one domain, in a column `uuid`; not `audit`, which outlives it. */
static const char *const domain_tables[] = {"bmcs",      "chassis",   "boot",      "sol",  "sel",
                                            "sel_state", "documents", "placement", "owed", "users"};

int schema_forget_domain(sqlite3 *db, const struct uuid *uuid)
{
    char text[64];
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(domain_tables) && result == 0; i++) {
        struct sql sql;
        snprintf(text, sizeof text, "DELETE FROM %s WHERE uuid = ?", domain_tables[i]);
        sql_begin(&sql, db, text);
        sql_bind_uuid(&sql, uuid);
        result = sql_end(&sql);
    }
    return result;
}

int schema_forget_deleted(sqlite3 *db)
{
    char text[96];
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(domain_tables) && result == 0; i++) {
        if (strcmp(domain_tables[i], "bmcs") == 0)
            continue;
        snprintf(text, sizeof text,
                 "DELETE FROM %s WHERE uuid IN (SELECT uuid FROM bmcs WHERE deleted)",
                 domain_tables[i]);
        result = sql_run(db, text);
    }
    return result;
}

int schema_version(void)
{
    return ARRAY_SIZE(steps);
}

int schema_read_version(sqlite3 *db)
{
    struct sql sql;
    int version = -1;

    sql_begin(&sql, db, "PRAGMA user_version");
    if (sql_next_row(&sql))
        version = (int)sql_int(&sql);
    int result = sql_end(&sql);
    return result < 0 ? result : version;
}

int schema_migrate(sqlite3 *db)
{
    char set_version[48];
    int version = schema_read_version(db);

    if (version < 0)
        return version;
    for (; version < schema_version(); version++) {
        snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", version + 1);
        int result = sql_run(db, "BEGIN IMMEDIATE");
        if (result == 0)
            result = sql_run(db, steps[version]);
        if (result == 0)
            result = sql_run(db, set_version);
        if (result == 0)
            result = sql_run(db, "COMMIT");
        if (result < 0) {
            if (!sqlite3_get_autocommit(db))
                sql_run(db, "ROLLBACK");
            return result;
        }
    }
    return 0;
}
