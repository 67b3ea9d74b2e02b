/** The application under test in the README: it mails a code, and a link, to a new user. */
import { deliverContent, WITH_ALL } from "./world.ts"

export async function signUp(address: string): Promise<void> {
  await deliverContent(address, WITH_ALL)
}
