// The documents of relay.mjs, which Relay's compiler reads.
graphql`mutation relaySignInMutation($input: SignInInput!) { signIn(input: $input) { token } }`;
graphql`query relayPageQuery($first: Int!) { invoices(first: $first) { totalCount nodes { id number } } }`;
graphql`query relayNodeQuery($id: ID!) { node(id: $id) { id ... on Invoice { number } } }`;
