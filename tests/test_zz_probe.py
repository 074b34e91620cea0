import json, random, time
from pathlib import Path
def test_it(tiny_bert_dir, tmp_path):
    from tinybert.compress import compress
    rng=random.Random(0)
    rows=[]
    for i in range(40):
        good=i%2
        rows.append({"sentence":" ".join(rng.choices(["film","movie","the","a","story","plot"],k=rng.randint(2,9)))+(" great" if good else " dull"),"label":"positive" if good else "negative"})
    f=tmp_path/"d.jsonl"; f.write_text("\n".join(map(json.dumps,rows)))
    r={"teacher":str(tiny_bert_dir),"task":"text-classification","data":{"train":str(f),"eval":str(f),"max_length":32},
     "steps":[{"finetune":{"epochs":1,"batch_size":8,"learning_rate":1e-3}},{"student":{"layers":1,"hidden_size":16,"attention_heads":2,"intermediate_size":32}},{"distill":{"max_steps":3,"batch_size":8,"attention":1.0}},{"quantize":{}}]}
    t=time.time()
    res=compress(r,tmp_path/"out",progress=lambda p:print(round(time.time()-t,2),p))
    print(json.dumps(res.report,indent=1))
    from tinybert.report.table import report_table
    print(report_table(res.report))
    import subprocess; print(subprocess.run(["find",str(tmp_path/"out")],capture_output=True,text=True).stdout)
