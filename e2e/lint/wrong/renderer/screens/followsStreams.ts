// refused: Streams are followed in renderer/state/feed.ts only
interface Connection { follow(open: unknown, onItem: unknown): () => void }
export const watch = (connection: Connection) => connection.follow('frames', () => {})
