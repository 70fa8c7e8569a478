// A file that is sent as soon as it is chosen; the form holds the id of its upload.
import {useState} from "react";
import {useClient} from "urql";
import {american} from "@clinic-billing/shared/words.ts";
import {CreateUpload} from "../generated/invoice.ts";

type State = {words: string; isWrong: boolean};

/** A field for a file. */
export function Upload({accepts, onChange, id, ...aria}: {accepts: string[]; onChange: (id: string) => void; id: string}) {
  const client = useClient();
  const [state, setState] = useState<State>({words: "", isWrong: false});
  const send = async (file: File | undefined) => {
    onChange("");
    if (!file) return setState({words: "", isWrong: false});
    setState({words: `Sending ${file.name}…`, isWrong: false});
    const input = {fileName: file.name, contentType: file.type, byteSize: file.size};
    const {data, error} = await client.mutation(CreateUpload, {input}).toPromise();
    const upload = data?.createUpload.upload;
    if (!upload) {
      const why = data?.createUpload.errors[0]?.message ?? error?.graphQLErrors[0]?.message ?? "the server cannot be reached";
      return setState({words: `Not sent: ${american(why)}`, isWrong: true});
    }
    const stored = await fetch(upload.uploadUrl, {method: "PUT", body: file}).catch(() => null);
    if (!stored?.ok) return setState({words: "Not sent: choose the file again.", isWrong: true});
    onChange(upload.id);
    setState({words: `${file.name} is sent`, isWrong: false});
  };
  return (
    <>
      <input {...aria} id={id} type="file" accept={accepts.join(",")} onChange={({target}) => void send(target.files?.[0])} />
      <span role="status" className={state.isWrong ? "late" : "muted"}>{state.words}</span>
    </>
  );
}
