import { type Kysely, type Migration, type MigrationProvider, Migrator } from 'kysely'
import { LenskeyError } from '../../../lib/errors.ts'
import type { Database } from './database.ts'

/** One schema for both databases. A migration that was released is never changed; a new one is added. */
const migrations: Record<string, Migration> = {
  '2026-01-registry': {
    async up(db: Kysely<unknown>) {
      await db.schema.createTable('products')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('anonymous_clients', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema.createTable('devices')
        .addColumn('product_id', 'text', (column) => column.notNull().references('products.id').onDelete('cascade'))
        .addColumn('id', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('proof_issued_at', 'bigint', (column) => column.notNull().defaultTo(0))
        .addColumn('proof_shown_at', 'bigint', (column) => column.notNull().defaultTo(0))
        .addPrimaryKeyConstraint('devices_key', ['product_id', 'id'])
        .execute()
      await db.schema.createTable('device_keys')
        .addColumn('kid', 'text', (column) => column.primaryKey())
        .addColumn('product_id', 'text', (column) => column.notNull())
        .addColumn('device_id', 'text', (column) => column.notNull())
        .addColumn('public_key', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addForeignKeyConstraint('device_keys_device', ['product_id', 'device_id'], 'devices', ['product_id', 'id'], (key) => key.onDelete('cascade'))
        .execute()
      await db.schema.createIndex('device_keys_by_device').on('device_keys').columns(['product_id', 'device_id']).execute()
      await db.schema.createTable('product_keys')
        .addColumn('product_id', 'text', (column) => column.notNull().references('products.id').onDelete('cascade'))
        .addColumn('kid', 'text', (column) => column.notNull())
        .addColumn('public_key', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('product_keys_key', ['product_id', 'kid'])
        .execute()
      await db.schema.createTable('secrets')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .execute()
    },
  },
  '2026-02-client-tokens': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('products').addColumn('server_connect_tokens', 'integer', (column) => column.notNull().defaultTo(0)).execute()
      await db.schema.alterTable('products').addColumn('client_jwt', 'text').execute()
      await db.schema.createTable('server_connect_tokens')
        .addColumn('product_id', 'text', (column) => column.notNull())
        .addColumn('device_id', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('server_connect_tokens_key', ['product_id', 'device_id', 'hash'])
        .addForeignKeyConstraint('server_connect_tokens_device', ['product_id', 'device_id'], 'devices', ['product_id', 'id'], (key) => key.onDelete('cascade'))
        .execute()
    },
  },
}

const provider: MigrationProvider = { getMigrations: () => Promise.resolve(migrations) }

/**
 * Brings the schema up to date. Nodes that start together take turns.
 * @throws {LenskeyError} `ERR_DATABASE_MIGRATION`
 */
export async function migrate(db: Database): Promise<void> {
  const { error } = await new Migrator({ db, provider }).migrateToLatest()
  if (error !== undefined) {
    throw new LenskeyError('ERR_DATABASE_MIGRATION', 'the registry database could not be opened or brought up to date; the cause tells more', { cause: error })
  }
}
