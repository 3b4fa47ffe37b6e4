import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, PostgresDialect, type SqliteDatabase, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import pg from 'pg'
import { LenskeyError } from '../../../lib/errors.ts'

/** Columns as both databases know them. Times are seconds since 1970, that of a shown proof milliseconds; truths are 0 or 1. */
export interface Tables {
  /** `client_jwt` is JSON. */
  products: { id: string; anonymous_clients: number; server_connect_tokens: number; client_jwt: string | null; created_at: number }
  devices: { product_id: string; id: string; created_at: number; proof_issued_at: number; proof_shown_at: number }
  device_keys: { kid: string; product_id: string; device_id: string; public_key: string; created_at: number }
  product_keys: { product_id: string; kid: string; public_key: string; created_at: number }
  server_connect_tokens: { product_id: string; device_id: string; hash: string }
  secrets: { name: string; value: string }
}

export type Database = Kysely<Tables>

/** SQLite in a file of `dataDir` that only its owner can read: it holds the secret that tickets are sealed with. */
export function openSqlite(dataDir: string): Database {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, 'registry.sqlite')
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  const database = new Libsql(file, { timeout: 5000 })
  database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: asKyselyDatabase(database) }) })
}

/** The driver's own types say `unknown[]` where the query builder says read-only. */
function asKyselyDatabase(database: Libsql.Database): SqliteDatabase {
  return {
    close: () => void database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql)
      return {
        reader: statement.reader,
        all: (parameters) => statement.all(...parameters),
        run: (parameters) => statement.run(...parameters),
        iterate: (parameters) => statement.iterate(...parameters),
      }
    },
  }
}

const INT8 = 20

/** Columns of 64 bits hold times here, which fit a number. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (type, format) => ((type as number) === INT8 ? Number : (pg.types.getTypeParser(type, format) as (text: string) => unknown)),
}

/**
 * PostgreSQL. A database that does not answer within the time-outs makes the request fail with 503, not hang.
 * @param lost - told when a connection broke; the pool makes a new one when it is needed
 * @throws {LenskeyError} `ERR_DATABASE_URL`
 */
export function openPostgres(url: string, lost: (error: Error) => void): Database {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new LenskeyError('ERR_DATABASE_URL', 'a database URL begins with postgres:// or postgresql://; without one the registry is a file in the data folder')
  }
  const pool = new pg.Pool({
    connectionString: url, max: 10, connectionTimeoutMillis: 5000, query_timeout: 5000, statement_timeout: 5000, idleTimeoutMillis: 60_000, types,
  })
  // The pool listens to idle connections alone; an error that nobody hears of would end the process.
  pool.on('connect', (client) => void client.on('error', lost))
  pool.on('error', () => undefined)
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}
