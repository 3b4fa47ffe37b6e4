import { conflict, deviceNotFound, productNotFound, unavailable } from '../../../lib/cloud/errors.ts'
import type { ClientJwtPolicy, DeviceIds, Page, Product, ProductSettings, RegisteredKey, Registry } from '../../../lib/cloud/index.ts'
import { type Database, openPostgres, openSqlite, type Tables } from './database.ts'
import { migrate } from './migrations.ts'

export interface RegistryOptions {
  /** Where the SQLite file is kept unless there is a `databaseUrl`. */
  dataDir: string
  /** `postgres://` URL. */
  databaseUrl?: string
  /** Told when the database went away under an open connection. */
  databaseLost?: (error: Error) => void
}

/** Opens the registry and brings its schema up to date. @throws {LenskeyError} `ERR_DATABASE_URL`, `ERR_DATABASE_MIGRATION` */
export async function openRegistry({ dataDir, databaseUrl, databaseLost = () => undefined }: RegistryOptions): Promise<Registry> {
  const db = databaseUrl === undefined ? openSqlite(dataDir) : openPostgres(databaseUrl, databaseLost)
  try {
    await migrate(db)
  } catch (thrown) {
    await db.destroy()
    throw thrown
  }
  return new SqlRegistry(db)
}

/** Rows of a query. A database that fails is a service that cannot answer now, whatever the driver calls it. */
async function rowsOf<Row>(query: { execute(): Promise<Row[]> }): Promise<Row[]> {
  try {
    return await query.execute()
  } catch (thrown) {
    throw unavailable('the registry does not answer', thrown)
  }
}

async function firstOf<Row>(query: { execute(): Promise<Row[]> }): Promise<Row | undefined> {
  const rows = await rowsOf(query)
  return rows.length === 0 ? undefined : rows[0]
}

/** Whether an insert, update or delete that returns its rows did anything. */
async function changed(query: { execute(): Promise<unknown[]> }): Promise<boolean> {
  return (await rowsOf(query)).length > 0
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000)

interface KeyRow {
  kid: string
  public_key: string
  created_at: number
}

const keyOf = ({ kid, public_key, created_at }: KeyRow): RegisteredKey => ({ kid, publicKey: public_key, createdAt: created_at })

function productOf({ id, anonymous_clients, server_connect_tokens, client_jwt, created_at }: Tables['products']): Product {
  const product: Product = { id, anonymousClients: anonymous_clients !== 0, serverConnectTokens: server_connect_tokens !== 0, createdAt: created_at }
  // Written by `columnsOf`.
  if (client_jwt !== null) product.clientJwt = JSON.parse(client_jwt) as ClientJwtPolicy
  return product
}

/** Columns of what is said, and of no more. */
function columnsOf({ anonymousClients, serverConnectTokens, clientJwt }: ProductSettings): Partial<Tables['products']> {
  return {
    ...(anonymousClients !== undefined && { anonymous_clients: anonymousClients ? 1 : 0 }),
    ...(serverConnectTokens !== undefined && { server_connect_tokens: serverConnectTokens ? 1 : 0 }),
    ...(clientJwt !== undefined && { client_jwt: clientJwt === null ? null : JSON.stringify(clientJwt) }),
  }
}

class SqlRegistry implements Registry {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  async product(productId: string): Promise<Product | undefined> {
    const row = await firstOf(this.db.selectFrom('products').selectAll().where('id', '=', productId))
    return row === undefined ? undefined : productOf(row)
  }

  async hasDevice({ productId, deviceId }: DeviceIds): Promise<boolean> {
    return changed(this.db.selectFrom('devices').select('id').where('product_id', '=', productId).where('id', '=', deviceId))
  }

  async deviceKey(kid: string): Promise<(DeviceIds & RegisteredKey) | undefined> {
    const row = await firstOf(this.db.selectFrom('device_keys').selectAll().where('kid', '=', kid))
    return row === undefined ? undefined : { productId: row.product_id, deviceId: row.device_id, ...keyOf(row) }
  }

  async productKey(productId: string, kid: string): Promise<RegisteredKey | undefined> {
    const row = await firstOf(this.db.selectFrom('product_keys').selectAll().where('product_id', '=', productId).where('kid', '=', kid))
    return row === undefined ? undefined : keyOf(row)
  }

  async products({ after = '', limit }: Page): Promise<Product[]> {
    return (await rowsOf(this.db.selectFrom('products').selectAll().where('id', '>', after).orderBy('id').limit(limit))).map(productOf)
  }

  async putProduct(productId: string, settings: ProductSettings): Promise<boolean> {
    const columns = columnsOf(settings)
    const made = await changed(this.db.insertInto('products')
      .values({ id: productId, anonymous_clients: 1, server_connect_tokens: 0, client_jwt: null, ...columns, created_at: nowSeconds() })
      .onConflict((conflicting) => conflicting.doNothing()).returning('id'))
    if (!made && Object.keys(columns).length > 0) {
      await rowsOf(this.db.updateTable('products').set(columns).where('id', '=', productId).returning('id'))
    }
    return made
  }

  async removeProduct(productId: string): Promise<boolean> {
    return changed(this.db.deleteFrom('products').where('id', '=', productId).returning('id'))
  }

  async devices(productId: string, { after = '', limit }: Page): Promise<{ id: string; createdAt: number }[]> {
    const rows = await rowsOf(this.db.selectFrom('devices').select(['id', 'created_at'])
      .where('product_id', '=', productId).where('id', '>', after).orderBy('id').limit(limit))
    return rows.map(({ id, created_at }) => ({ id, createdAt: created_at }))
  }

  async putDevice({ productId, deviceId }: DeviceIds): Promise<boolean> {
    await this.mustHaveProduct(productId)
    return changed(this.db.insertInto('devices').values({ product_id: productId, id: deviceId, created_at: nowSeconds(), proof_issued_at: 0, proof_shown_at: 0 })
      .onConflict((conflicting) => conflicting.doNothing()).returning('id'))
  }

  async removeDevice({ productId, deviceId }: DeviceIds): Promise<boolean> {
    return changed(this.db.deleteFrom('devices').where('product_id', '=', productId).where('id', '=', deviceId).returning('id'))
  }

  async deviceKeys({ productId, deviceId }: DeviceIds): Promise<RegisteredKey[]> {
    return (await rowsOf(this.db.selectFrom('device_keys').selectAll()
      .where('product_id', '=', productId).where('device_id', '=', deviceId).orderBy('created_at').orderBy('kid'))).map(keyOf)
  }

  async addDeviceKey(device: DeviceIds, { kid, publicKey }: { kid: string; publicKey: string }): Promise<boolean> {
    const { productId, deviceId } = device
    await this.mustHaveProduct(productId)
    if (!(await this.hasDevice(device))) throw deviceNotFound()
    const added = await changed(this.db.insertInto('device_keys')
      .values({ kid, product_id: productId, device_id: deviceId, public_key: publicKey, created_at: nowSeconds() })
      .onConflict((conflicting) => conflicting.doNothing()).returning('kid'))
    if (added) return true
    const owner = await this.deviceKey(kid)
    if (owner?.productId === productId && owner.deviceId === deviceId) return false
    throw conflict('this key belongs to another device; every device needs a key of its own')
  }

  async removeDeviceKey({ productId, deviceId }: DeviceIds, kid: string): Promise<boolean> {
    return changed(this.db.deleteFrom('device_keys')
      .where('kid', '=', kid).where('product_id', '=', productId).where('device_id', '=', deviceId).returning('kid'))
  }

  async productKeys(productId: string): Promise<RegisteredKey[]> {
    return (await rowsOf(this.db.selectFrom('product_keys').selectAll()
      .where('product_id', '=', productId).orderBy('created_at').orderBy('kid'))).map(keyOf)
  }

  async addProductKey(productId: string, { kid, publicKey }: { kid: string; publicKey: string }): Promise<boolean> {
    await this.mustHaveProduct(productId)
    return changed(this.db.insertInto('product_keys')
      .values({ product_id: productId, kid, public_key: publicKey, created_at: nowSeconds() })
      .onConflict((conflicting) => conflicting.doNothing()).returning('kid'))
  }

  async removeProductKey(productId: string, kid: string): Promise<boolean> {
    return changed(this.db.deleteFrom('product_keys').where('product_id', '=', productId).where('kid', '=', kid).returning('kid'))
  }

  async hasServerConnectToken({ productId, deviceId }: DeviceIds, hash: string): Promise<boolean> {
    return changed(this.db.selectFrom('server_connect_tokens').select('hash')
      .where('product_id', '=', productId).where('device_id', '=', deviceId).where('hash', '=', hash))
  }

  async putServerConnectTokens(device: DeviceIds, hashes: readonly string[]): Promise<string[]> {
    const { productId, deviceId } = device
    if (!(await this.hasDevice(device))) throw deviceNotFound()
    const work = this.db.transaction().execute(async (db) => {
      const held = await db.selectFrom('server_connect_tokens').select('hash').where('product_id', '=', productId).where('device_id', '=', deviceId).execute()
      const removed = held.map(({ hash }) => hash).filter((hash) => !hashes.includes(hash))
      if (removed.length > 0) {
        await db.deleteFrom('server_connect_tokens').where('product_id', '=', productId).where('device_id', '=', deviceId).where('hash', 'in', removed).execute()
      }
      if (hashes.length > 0) {
        await db.insertInto('server_connect_tokens').values(hashes.map((hash) => ({ product_id: productId, device_id: deviceId, hash })))
          .onConflict((conflicting) => conflicting.doNothing()).execute()
      }
      return removed
    })
    return rowsOf({ execute: () => work })
  }

  async acceptProof({ productId, deviceId }: DeviceIds, issuedAt: number, reuseSeconds: number, latest: number): Promise<boolean> {
    const nowMs = Date.now()
    // One statement, so that of two nodes that are shown two proofs at once the newer wins.
    const newest = await changed(this.db.updateTable('devices').set({ proof_issued_at: issuedAt, proof_shown_at: nowMs })
      .where('product_id', '=', productId).where('id', '=', deviceId)
      .where((row) => row.or([row('proof_issued_at', '<', issuedAt), row('proof_issued_at', '>', latest)])).returning('id'))
    if (newest) return true
    const before = await firstOf(this.db.selectFrom('devices').select(['proof_issued_at', 'proof_shown_at'])
      .where('product_id', '=', productId).where('id', '=', deviceId))
    return before?.proof_issued_at === issuedAt && nowMs - before.proof_shown_at < reuseSeconds * 1000
  }

  async secret(name: string, fresh: string): Promise<string> {
    await rowsOf(this.db.insertInto('secrets').values({ name, value: fresh }).onConflict((conflicting) => conflicting.doNothing()).returning('name'))
    return (await firstOf(this.db.selectFrom('secrets').select('value').where('name', '=', name)))?.value ?? fresh
  }

  async ping(): Promise<void> {
    await rowsOf(this.db.selectFrom('products').select('id').limit(1))
  }

  async close(): Promise<void> {
    await this.db.destroy()
  }

  private async mustHaveProduct(productId: string): Promise<void> {
    if ((await this.product(productId)) === undefined) throw productNotFound()
  }
}
