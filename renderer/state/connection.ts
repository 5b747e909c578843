// The page's one connection, handed down the tree.
import { createContext, useContext } from 'react'
import type { Connection } from '../link/connect.ts'

export const ConnectionContext = createContext<Connection | null>(null)

export function useConnection(): Connection {
  const connection = useContext(ConnectionContext)
  if (connection === null) throw new Error('no ConnectionContext above')
  return connection
}
