-- From when to when did no report come of a connection, although before and after there were?
-- A gap is longer than three usual intervals, and than 15 s: a tab in the background may report
-- late without anything being lost.
SELECT user, device, connection, toFloat64(previous) AS start, toFloat64(at) AS end
FROM
(
    SELECT
        *,
        toFloat64(at) - toFloat64(previous) AS seconds,
        quantileExact(0.5)(seconds) OVER (PARTITION BY user, device, connection) AS usual
    FROM
    (
        SELECT
            user,
            device,
            connection,
            at,
            lagInFrame(toNullable(at)) OVER
            (
                PARTITION BY user, device, connection
                ORDER BY at
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS previous
        FROM reports
        WHERE app_id = {app_id:UInt64} AND call = {call:String}
    )
    WHERE previous < at
)
WHERE seconds > greatest(15, 3 * usual)
ORDER BY user, device, start
