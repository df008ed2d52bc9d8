-- Which calls began last? An app_id of 0 stands for every app, empty text for any conference, no
-- words for any verdict. `matching` is a part of the conference's name, in either case.
SELECT
    app_id,
    id,
    conference,
    started_at,
    ended_at,
    state,
    participants,
    issues,
    verdict,
    sentence
FROM calls FINAL
WHERE ({app_id:UInt64} = 0 OR app_id = {app_id:UInt64})
    AND ({conference:String} = '' OR conference = {conference:String})
    AND ({matching:String} = '' OR positionCaseInsensitiveUTF8(conference, {matching:String}) > 0)
    AND (empty({words:Array(String)}) OR has({words:Array(String)}, verdict))
    AND started_at < fromUnixTimestamp64Milli({before:Int64}, 'UTC')
ORDER BY started_at DESC, id DESC
LIMIT {limit:UInt32}
