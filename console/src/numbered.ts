/**
 * Tells those of one name apart: each gets its number among them, "ConnectWise (2)". A name that is one's own stays as it is.
 *
 * @param items in the order in which they were connected, so that a number stays whose it is
 */
export function numbered<T extends { id: string }>(
  items: readonly T[],
  called: (item: T) => string,
): (id: string) => string | undefined {
  return (id) => {
    const item = items.find((each) => each.id === id);
    if (!item) return undefined;
    const name = called(item);
    const same = items.filter((each) => called(each) === name);
    return same.length > 1 ? `${name} (${same.indexOf(item) + 1})` : name;
  };
}
