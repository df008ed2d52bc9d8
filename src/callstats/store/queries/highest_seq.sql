-- Up to which record of this client is everything stored? 0 for none.
SELECT max(highest_seq) AS highest_seq
FROM clients
WHERE app_id = {app_id:UInt64} AND client = {client:String}
