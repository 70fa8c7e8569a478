// The accounts of the demo, to click; the server names them to a browser on its own machine alone.
import {useEffect, useState} from "react";

type Account = {email: string; password: string};

/** Buttons that sign in; nothing where there is no demo. */
export function DemoAccounts({onChoose}: {onChoose: (account: Account) => void}) {
  const [accounts, setAccounts] = useState<Account[]>([]);
  useEffect(() => {
    const asking = new AbortController();
    fetch(`${import.meta.env.BASE_URL}demo-accounts.json`, {signal: asking.signal})
      .then((answer) => answer.json() as Promise<{accounts: Account[]}>)
      .then((found) => setAccounts(found.accounts))
      .catch(() => undefined);
    return () => asking.abort();
  }, []);
  if (accounts.length === 0) return null;
  return (
    <section aria-labelledby="demo" className="demo">
      <h2 id="demo">Or look around in the demo clinic</h2>
      <div className="demo-accounts">
        {accounts.map((account) => (
          <button key={account.email} type="button" className="button quiet" onClick={() => onChoose(account)}>
            {account.email.split("@")[0]}
          </button>
        ))}
      </div>
    </section>
  );
}
